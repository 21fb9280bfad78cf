"""Ids are unique and in order of time."""

import re
from datetime import UTC, datetime, timedelta

from slysock_store.ids import IdGenerator
from slysock_store.times import to_milliseconds

MOMENT = datetime(2025, 6, 24, 14, 46, 2, 473_999, UTC)


def test_ids_are_object_ids_in_order_of_time() -> None:
    ids = IdGenerator()
    made = [ids.new_id(to_milliseconds(MOMENT + timedelta(seconds=second))) for second in range(100)]
    assert all(re.fullmatch("[0-9a-f]{24}", made_id) for made_id in made)
    assert made == sorted(made)
    assert int(made[0][:8], 16) == int(MOMENT.timestamp())


def test_ids_of_one_instant_differ_also_between_generators() -> None:
    generators = [IdGenerator() for _ in range(10)]
    made = {generator.new_id(0) for generator in generators for _ in range(1000)}
    assert len(made) == 10_000
