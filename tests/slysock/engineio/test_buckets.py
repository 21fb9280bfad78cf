"""Token buckets: what passes at once and on average, what debt does, and that few of them are kept."""

import pytest

from slysock.engineio.buckets import MAX_KEYS, Bucket, Buckets, Rate

RATE = Rate(per_second=2, burst_seconds=5)
START = 123_456.789


def test_a_new_bucket_is_full_and_gives_its_burst_and_no_more() -> None:
    bucket = Bucket(RATE)
    assert bucket.level(START) == RATE.burst == 10
    assert [bucket.take(1, START) for _ in range(10)] == [0] * 10
    assert bucket.take(1, START) == pytest.approx(0.5)


def test_what_was_not_taken_costs_nothing() -> None:
    bucket = Bucket(RATE)
    assert bucket.take(10, START) == 0
    for _ in range(100):
        assert bucket.take(2, START) == pytest.approx(1)
    assert bucket.take(2, START + 0.999) > 0
    assert bucket.take(2, START + 1) == 0


def test_a_bucket_fills_at_its_rate_and_not_beyond_its_burst() -> None:
    bucket = Bucket(RATE)
    for second in range(1000):
        assert bucket.take(2, START + second) == 0
    bucket.take(10, START + 1000)
    assert bucket.level(START + 1003) == pytest.approx(6)
    assert bucket.level(START + 9999) == 10


def test_more_than_a_full_bucket_holds_empties_it() -> None:
    bucket = Bucket(RATE)
    assert bucket.take(1_000_000, START) == 0
    assert bucket.level(START) == pytest.approx(0)
    assert bucket.take(1_000_000, START + 4.9) > 0
    assert bucket.take(1_000_000, START + 5) == 0


def test_debt_grows_with_every_excess_down_to_another_burst() -> None:
    bucket = Bucket(RATE)
    assert bucket.spend(10, START) == 0
    assert [bucket.spend(1, START) for _ in range(4)] == pytest.approx([0.5, 1, 1.5, 2])
    for _ in range(100):
        bucket.spend(1, START)
    assert bucket.level(START) == pytest.approx(-10)
    assert bucket.spend(1, START + 5.4) > 0
    assert bucket.level(START + 5.4) == pytest.approx(-0.2)
    assert bucket.spend(1, START + 6) == 0


def test_what_was_not_used_can_be_put_back() -> None:
    bucket = Bucket(RATE)
    bucket.take(6, START)
    bucket.put_back(4)
    assert bucket.level(START) == pytest.approx(8)
    assert bucket.level(START + 9) == 10


def test_many_small_amounts_add_up_to_what_was_meant() -> None:
    bucket = Bucket(Rate(per_second=20_000, burst_seconds=10))
    assert all(bucket.take(1, START * 10) == 0 for _ in range(200_000))
    assert bucket.take(1, START * 10) > 0


def test_each_name_has_a_bucket_of_its_own() -> None:
    buckets = Buckets(RATE)
    assert buckets.of("a", START).take(10, START) == 0
    assert buckets.of("a", START).take(1, START) > 0
    assert buckets.of("b", START).take(10, START) == 0


def test_a_bucket_in_use_outlives_those_that_rest() -> None:
    buckets = Buckets(RATE)
    now = START
    for _ in range(30):
        buckets.of("busy", now).spend(100, now)
        buckets.of(str(now), now).take(1, now)
        now += 2
    assert buckets.of("busy", now).level(now) < 0
    assert len(buckets) <= 2 + 2 * RATE.burst_seconds


@pytest.mark.parametrize("debt", [1, 15, 20])
def test_nobody_is_forgiven_by_being_forgotten(debt: int) -> None:
    buckets, alone = Buckets(RATE), Bucket(RATE)
    for seconds in (0.0, 9.9, 10.0, 19.0, 25.0):
        now = START + seconds
        buckets.of(str(seconds), now)
        if not seconds:
            buckets.of("it", now).spend(debt, now)
            alone.spend(debt, now)
        elif seconds in (10.0, 25.0):
            assert buckets.of("it", now).level(now) == pytest.approx(alone.level(now))


def test_a_million_names_at_once_leave_a_bounded_number_of_buckets_and_later_none() -> None:
    buckets = Buckets(RATE)
    for number in range(1_000_000):
        buckets.of(f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::/64", START).take(1, START)
    assert MAX_KEYS <= len(buckets) <= 2 * MAX_KEYS
    for seconds in (10, 20):
        buckets.of("later", START + seconds)
    assert len(buckets) == 1


def test_with_too_many_names_those_go_that_were_used_the_longest_ago() -> None:
    buckets = Buckets(RATE)
    for number in range(3 * MAX_KEYS):
        if number % 1000 == 0:
            buckets.of("kept", START).spend(1, START)
        buckets.of(str(number), START).spend(10, START)
    assert buckets.of("kept", START).level(START) < 0
    assert buckets.of("0", START).level(START) == 10, "it was not heard of for long"
