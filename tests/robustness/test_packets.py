"""Socket.IO packets that the protocol forbids, or that are too much of what it allows: by WebSocket and by polling.

On WebSocket the close frame says what was wrong. A polling client gets a plain 400, and its session is gone.
"""

from dataclasses import dataclass
from typing import Final

import msgspec
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config
from slysock_protocol.limits import MAX_ACK_ID, MAX_ATTACHMENTS, MAX_NAMESPACE_BYTES, RESERVED_EVENTS
from tests.robustness.scene import QUIET, Scene, packed, scene
from tests.robustness.wire import Ending, Message, payload_of

BAD_REQUEST: Final = (400, b'{"code":3,"message":"Bad request"}')
NOT_CONNECTED: Final = "not connected to this namespace"
MSGPACK: Final = Config(ping_interval_seconds=100_000, ping_timeout_seconds=100_000, parser="msgpack")
DEEP: Final = 100_000

HOLE = '{"_placeholder":true,"num":0}'


def deep(opening: str, closing: str) -> str:
    return opening * DEEP + closing * DEEP


@dataclass(frozen=True, slots=True)
class Offence:
    """Messages that end a session, and the reason that a WebSocket client is told."""

    name: str
    messages: tuple[Message, ...]
    reason: str
    joined: bool = True

    def __str__(self) -> str:
        return self.name


def binary(count: str, *arguments: str, event: str = "note") -> str:
    """Write the text of a binary event; without a count, only what follows it."""
    body = ",".join([f'"{event}"', *arguments])
    return f"45{count}-[{body}]" if count else f"45[{body}]"


OFFENCES: Final = [
    # -- before CONNECT
    Offence("binary before CONNECT", (b"\x01\x02",), "binary data that was not announced", joined=False),
    Offence("a binary event before CONNECT", (binary("1", HOLE), b"\x01"), NOT_CONNECTED, joined=False),
    Offence("a binary ack before CONNECT", ("461-1[]", b"\x01"), NOT_CONNECTED, joined=False),
    Offence("an event before CONNECT", ('42["note"]',), NOT_CONNECTED, joined=False),
    Offence("an ack before CONNECT", ("431[]",), NOT_CONNECTED, joined=False),
    Offence("a disconnect before CONNECT", ("41",), NOT_CONNECTED, joined=False),
    Offence("text that is no packet before CONNECT", ("4abc",), "unknown packet type", joined=False),
    # -- attachments
    Offence("binary that was not announced", (b"\x01",), "binary data that was not announced"),
    Offence(
        "more attachments than announced",
        (binary("1", HOLE, event="nobody"), b"1", b"2"),
        "binary data that was not announced",
    ),
    Offence(
        "text in place of an attachment", (binary("1", HOLE), '42["note"]'), "text where an attachment was announced"
    ),
    Offence(
        "a second header in place of an attachment", (binary("1", HOLE),) * 2, "text where an attachment was announced"
    ),
    Offence("eleven attachments announced", (binary(str(MAX_ATTACHMENTS + 1), HOLE),), "too many attachments"),
    Offence("a milliard attachments announced", (binary("1000000000", HOLE),), "too many attachments"),
    Offence("attachments announced in a number of 12 digits", (binary("999999999999", HOLE),), "illegal attachments"),
    Offence("attachments not counted", (binary(""),), "illegal attachments"),
    Offence("a negative number of attachments", (binary("-1", HOLE),), "illegal attachments"),
    *(
        Offence(
            f"a placeholder {number}",
            (binary("1", f'{{"_placeholder":true,"num":{number}}}'), b"1"),
            "illegal attachments",
        )
        for number in ("-1", "99", '"0"', "1", "0.5", "null", "true", "[]", str(10**30))
    ),
    Offence("a placeholder without number", (binary("1", '{"_placeholder":true}'), b"1"), "illegal attachments"),
    # -- what an event is
    *(
        Offence(f"an event that is {body or 'nothing'}", (f"42{body}",), reason)
        for body, reason in [
            ("{}", "an event must be an array"),
            ('"note"', "an event must be an array"),
            ("null", "an event must be an array"),
            ("true", "an event must be an array"),
            ("", "malformed JSON"),
            ("[]", "illegal event name"),
            ("[null]", "illegal event name"),
            ("[{}]", "illegal event name"),
            ("[true]", "illegal event name"),
            ('[["note"]]', "illegal event name"),
            ('["note"', "malformed JSON"),
            ('["note"]]', "malformed JSON"),
            ('["note",]', "malformed JSON"),
            ('["note",1e999]', "JSON number out of range"),
            ('["other",NaN]', "malformed JSON"),
        ]
    ),
    *(
        Offence(f"the reserved event {name}", (f'42["{name}"]',), "illegal event name")
        for name in sorted(RESERVED_EVENTS)
    ),
    Offence("a reserved event, escaped", ('42["\\u0063onnect"]',), "illegal event name"),
    Offence("a reserved binary event", (binary("1", HOLE, event="disconnect"), b"1"), "illegal event name"),
    # -- acks
    Offence("an ack id of 10^30", (f'42{10**30}["note"]',), "acknowledgement id too large"),
    Offence("an ack with an id of 10^30", (f"43{10**30}[]",), "acknowledgement id too large"),
    Offence("an ack id beyond JavaScript's integers", (f'42{MAX_ACK_ID + 1}["note"]',), "acknowledgement id too large"),
    Offence("an ack id of a million digits", (f'42{"9" * 900_000}["note"]',), "acknowledgement id too large"),
    Offence("an ack without id", ("43[]",), "malformed packet"),
    Offence("an ack that is no array", ("431{}",), "an event must be an array"),
    Offence("an ack id that is no number", ('42abc["note"]',), "malformed JSON"),
    # -- depth
    Offence("an event nested 100 000 deep", (f'42["note",{deep("[", "]")}]',), "JSON nested too deep"),
    Offence(
        "an event nobody handles, nested 100 000 deep", (f'42["nobody",{deep("[", "]")}]',), "JSON nested too deep"
    ),
    Offence(
        "objects nested 100 000 deep", ('42["note",' + '{"a":' * DEEP + "1" + "}" * DEEP + "]",), "JSON nested too deep"
    ),
    Offence("a binary event nested 100 000 deep", (binary("1", deep("[", "]")), b"1"), "JSON nested too deep"),
    Offence("an ack nested 100 000 deep", (f"431{deep('[', ']')}",), "JSON nested too deep"),
    Offence("an event nested 169 deep", (f'42["note",{"[" * 168 + "]" * 168}]',), "JSON nested too deep"),
    Offence("auth nested 5000 deep", (f'40{{"a":{"[" * 5000 + "]" * 5000}}}',), "JSON nested too deep", joined=False),
    # -- CONNECT and the rest
    Offence("a second CONNECT", ("40",), "connected to this namespace already"),
    Offence("a second CONNECT at once", ("40", "40"), "connected to this namespace already", joined=False),
    Offence("auth that is no object", ("40[]",), "auth must be an object", joined=False),
    Offence("auth that is no JSON", ("40{",), "malformed JSON", joined=False),
    Offence("a CONNECT with an id", ('401{"a":1}',), "malformed packet", joined=False),
    Offence("CONNECT_ERROR from a client", ('44{"message":"no"}',), "malformed packet"),
    Offence("a packet type that does not exist", ("47",), "unknown packet type"),
    Offence("an empty message", ("4",), "unknown packet type"),
    Offence("a namespace name of 900 kB", (f"40/{'n' * 900_000},",), "namespace name too long", joined=False),
    Offence("an event for a name of 900 kB", (f'42/{"n" * 900_000},["note"]',), "namespace name too long"),
    Offence("a name one byte too long", (f"40/{'n' * MAX_NAMESPACE_BYTES},",), "namespace name too long"),
    Offence("an event for a namespace that it is not in", ('42/other,["note"]',), NOT_CONNECTED),
    Offence("a disconnect with a body", ("41{}",), "malformed packet"),
    # -- Engine.IO
    Offence("a ping from a client", ("2",), "invalid heartbeat direction"),
    Offence("a packet without a type", ("",), "malformed Engine.IO packet"),
    Offence("an unknown Engine.IO packet", ("9",), "malformed Engine.IO packet"),
    Offence("base64 that is none", ("b***",), "malformed base64"),
]

NESTED: Final = b"\x91" * DEEP + b"\x90"

MSGPACK_OFFENCES: Final = [
    Offence("an event before CONNECT", (packed(type=2, nsp="/", data=["note"]),), NOT_CONNECTED, joined=False),
    Offence("binary before CONNECT", (b"\x01\x02",), "malformed MessagePack packet", joined=False),
    Offence("text", ('2["note"]',), "invalid heartbeat direction"),
    Offence("a text message", ('42["note"]',), "text where MessagePack was agreed on"),
    Offence("nothing", (b"",), "malformed MessagePack packet"),
    Offence("half a packet", (packed(type=2, nsp="/", data=["note"])[:-2],), "malformed MessagePack packet"),
    Offence(
        "two packets in one message", (packed(type=2, nsp="/", data=["note"]) * 2,), "malformed MessagePack packet"
    ),
    Offence(
        "an array in place of a packet", (msgspec.msgpack.encode([2, "/", ["note"]]),), "malformed MessagePack packet"
    ),
    Offence("an event that is a map", (packed(type=2, nsp="/", data={}),), "malformed packet"),
    Offence("an event that is missing", (packed(type=2, nsp="/"),), "malformed packet"),
    Offence("an event without name", (packed(type=2, nsp="/", data=[]),), "illegal event name"),
    *(
        Offence(f"the reserved event {name}", (packed(type=2, nsp="/", data=[name]),), "illegal event name")
        for name in sorted(RESERVED_EVENTS)
    ),
    Offence(
        "a binary event, which is the other parser's", (packed(type=5, nsp="/", data=["note"]),), "malformed packet"
    ),
    Offence("CONNECT_ERROR from a client", (packed(type=4, nsp="/", data={}),), "malformed packet"),
    Offence("an ack without id", (packed(type=3, nsp="/", data=[]),), "malformed packet"),
    Offence(
        "an ack id of 2^64 - 1",
        (packed(type=2, nsp="/", data=["note"], id=2**64 - 1),),
        "acknowledgement id out of range",
    ),
    Offence("a negative ack id", (packed(type=2, nsp="/", data=["note"], id=-1),), "acknowledgement id out of range"),
    Offence("an ack id of 10^30", (packed(type=2, nsp="/", data=["note"], id=1e30),), "malformed MessagePack packet"),
    Offence("a namespace name of 700 kB", (packed(type=0, nsp="/" + "n" * 700_000),), "illegal namespace name"),
    Offence("a namespace without slash", (packed(type=0, nsp="n"),), "illegal namespace name"),
    Offence("a second CONNECT", (packed(type=0, nsp="/"),), "connected to this namespace already"),
    Offence(
        "an event nested 100 000 deep",
        (packed(type=2, nsp="/", data=0).replace(b"\xa4data\x00", b"\xa4data" + b"\x92\xa4note" + NESTED),),
        "malformed MessagePack packet",
    ),
    Offence(
        "an extension that nobody knows",
        (packed(type=2, nsp="/", data=0)[:-1] + b"\x92\xa4note\xd4\x05\x00",),
        "malformed MessagePack packet",
    ),
    Offence(
        "an array that announces 2^32 - 1 items",
        (packed(type=2, nsp="/", data=0)[:-1] + b"\xdd\xff\xff\xff\xff",),
        "malformed MessagePack packet",
    ),
    Offence(
        "text that is not UTF-8",
        (packed(type=2, nsp="/", data=0)[:-1] + b"\x91\xa1\xff",),
        "malformed MessagePack packet",
    ),
]


async def assert_websocket_closes(stage: Scene, offence: Offence) -> None:
    peer = await stage.peer(join=offence.joined)
    await peer.send(*offence.messages)
    await stage.undisturbed()
    assert await peer.ending() == Ending(1002, offence.reason)
    assert stage.handled == []
    assert stage.reasons == (["parse error"] if offence.joined else stage.reasons[:1])


async def assert_polling_closes(stage: Scene, offence: Offence) -> None:
    poller = await stage.poller(join=offence.joined)
    answer = await poller.post(*offence.messages)
    assert (answer.status, answer.body) == BAD_REQUEST
    await stage.undisturbed()
    gone = await poller.poll()
    assert (gone.status, gone.body) == (400, b'{"code":1,"message":"Session ID unknown"}')
    assert stage.handled == []


@pytest.mark.parametrize("offence", OFFENCES, ids=str)
async def test_by_websocket_the_connection_is_closed_with_the_reason(
    offence: Offence, autojump_clock: MockClock
) -> None:
    async with scene() as stage:
        await assert_websocket_closes(stage, offence)


@pytest.mark.parametrize("offence", OFFENCES, ids=str)
async def test_by_polling_the_post_is_400_and_the_session_gone(offence: Offence, autojump_clock: MockClock) -> None:
    async with scene() as stage:
        await assert_polling_closes(stage, offence)


@pytest.mark.parametrize("offence", MSGPACK_OFFENCES, ids=str)
async def test_with_msgpack_by_websocket_the_connection_is_closed_with_the_reason(
    offence: Offence, autojump_clock: MockClock
) -> None:
    async with scene(config=MSGPACK) as stage:
        await assert_websocket_closes(stage, offence)


@pytest.mark.parametrize("offence", MSGPACK_OFFENCES, ids=str)
async def test_with_msgpack_by_polling_the_post_is_400_and_the_session_gone(
    offence: Offence, autojump_clock: MockClock
) -> None:
    async with scene(config=MSGPACK) as stage:
        await assert_polling_closes(stage, offence)


# ---- attachments that pile up (CVE-2026-48804, GHSA-55mf-67qm-4wpg) --------------------------------------------------


async def test_attachments_announced_and_never_sent_end_the_connection_after_a_while_cve_2026_48804(
    autojump_clock: MockClock,
) -> None:
    async with scene() as stage:
        peer = await stage.peer()
        await peer.send(binary("2", HOLE, HOLE), b"1")
        await stage.undisturbed()
        started = trio.current_time()
        assert await peer.ending() == Ending(1008, "attachments did not arrive in time")
        waited = trio.current_time() - started
        assert waited == pytest.approx(QUIET.request_body_seconds, abs=1)
        assert (stage.handled, stage.reasons) == ([], ["parse error"])


async def test_attachments_that_come_slowly_are_waited_for(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer()
        for _ in range(3):
            await peer.send(binary("3", *(HOLE.replace("0", str(number)) for number in range(3))))
            for number in range(3):
                await trio.sleep(QUIET.request_body_seconds / 3 - 1)
                await peer.send(bytes([number]))
        await wait_all_tasks_blocked()
        assert stage.handled == [(b"\x00", b"\x01", b"\x02")] * 3
        await trio.sleep(QUIET.request_body_seconds * 3)
        await peer.send('421["echo"]')
        assert await peer.receive() == "431[]"
        await peer.drop()


async def test_attachments_that_drip_end_the_connection_when_their_time_is_over(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer()
        await peer.send(binary("9", *(HOLE.replace("0", str(number)) for number in range(9))))
        started = trio.current_time()
        async with trio.open_nursery() as nursery:

            async def drip() -> None:
                for number in range(8):
                    await trio.sleep(QUIET.request_body_seconds / 8 + 1)
                    await peer.send(bytes([number]))

            nursery.start_soon(drip)
            assert await peer.ending() == Ending(1008, "attachments did not arrive in time")
            nursery.cancel_scope.cancel()
        assert trio.current_time() - started == pytest.approx(QUIET.request_body_seconds, abs=1)
        assert (stage.handled, stage.reasons) == ([], ["parse error"])


async def test_attachments_by_polling_that_never_come_end_the_session(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        assert (await poller.post(binary("1", HOLE))).body == b"ok"
        await trio.sleep(QUIET.request_body_seconds)
        answer = await poller.poll()
        assert (answer.status, answer.body) == (400, b'{"code":1,"message":"Session ID unknown"}')
        assert stage.handled == []


async def test_attachments_do_not_pile_up_over_their_number_cve_2026_48804(autojump_clock: MockClock) -> None:
    """At most ten of the largest messages are held for a connection, and none before it has joined."""
    size = 100_000
    config = Config(ping_interval_seconds=100_000, ping_timeout_seconds=100_000, max_payload_bytes=size)
    async with scene(config=config, costs=(MAX_ATTACHMENTS + 10) * size) as stage:
        peer = await stage.peer()
        await peer.send(binary(str(MAX_ATTACHMENTS), HOLE))
        for _ in range(MAX_ATTACHMENTS - 1):
            await peer.send(bytes(size))
            await wait_all_tasks_blocked()
        await stage.undisturbed()
        for _ in range(MAX_ATTACHMENTS):
            await peer.send(bytes(size))
            await wait_all_tasks_blocked()
        assert await peer.ending() == Ending(1002, "binary data that was not announced")
        assert len(stage.handled) == 1
        stage.handled.clear()


async def test_nothing_is_kept_for_a_client_that_has_not_joined_ghsa_55mf_67qm_4wpg(autojump_clock: MockClock) -> None:
    size = 100_000
    config = Config(ping_interval_seconds=100_000, ping_timeout_seconds=100_000, max_payload_bytes=size)
    async with scene(config=config, costs=10 * size) as stage:
        peer = await stage.peer(join=False)
        await peer.send(binary("10", HOLE))
        for _ in range(50):
            await peer.send(bytes(size))
            await wait_all_tasks_blocked()
        await stage.undisturbed()
        assert await peer.ending() == Ending(1002, NOT_CONNECTED)


async def test_ten_attachments_and_deep_placeholders_are_legal(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer()
        holes = [f'[[{{"a":{HOLE.replace("0", str(number))}}}]]' for number in range(MAX_ATTACHMENTS)]
        await peer.send(binary("10", *holes), *(bytes([number]) for number in range(MAX_ATTACHMENTS)))
        await wait_all_tasks_blocked()
        assert stage.handled == [tuple([[{"a": bytes([number])}]] for number in range(MAX_ATTACHMENTS))]
        await peer.drop()


async def test_a_placeholder_in_a_text_event_is_data(autojump_clock: MockClock) -> None:
    """Nothing is filled in where nothing was announced; Node's parser leaves it alone as well."""
    async with scene() as stage:
        peer = await stage.peer()
        await peer.send('42["note",{"_placeholder":true,"num":99}]')
        await wait_all_tasks_blocked()
        assert stage.handled == [({"_placeholder": True, "num": 99},)]
        await peer.drop()


# ---- acks -----------------------------------------------------------------------------------------------------------


async def test_an_ack_that_nobody_waits_for_is_ignored(autojump_clock: MockClock) -> None:
    async with scene(costs=4_000_000) as stage:
        peer = await stage.peer()
        await peer.send("430[1]", "43999[2]", f"43{MAX_ACK_ID}[3]", *[f"43{number}[]" for number in range(5000)])
        await stage.undisturbed()
        await peer.send('421["echo",1]')
        assert await peer.receive() == "431[1]"
        await peer.drop()


async def test_of_two_acks_with_one_id_the_first_counts(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer()
        await peer.send('427["call"]')
        question = await peer.receive_text()
        assert question.startswith("42")
        assert question.endswith('["question"]')
        number = question.removeprefix("42").removesuffix('["question"]')
        await peer.send(f'43{number}["first"]', f'43{number}["second"]')
        assert await peer.receive() == '437["first"]'
        await peer.send('421["echo",1]')
        assert await peer.receive() == "431[1]"
        await peer.drop()


async def test_events_with_one_ack_id_are_each_answered(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer()
        await peer.send('425["echo",1]', '425["echo",2]')
        assert [await peer.receive(), await peer.receive()] == ["435[1]", "435[2]"]
        await peer.drop()


async def test_an_ack_of_another_clients_question_answers_nothing(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        asked, stranger = await stage.peer(), await stage.peer()
        await asked.send('427["call"]')
        number = (await asked.receive_text()).removeprefix("42").removesuffix('["question"]')
        await stranger.send(f'43{number}["forged"]')
        await stage.undisturbed()
        await asked.send(f'43{number}["mine"]')
        assert await asked.receive() == '437["mine"]'
        await asked.drop()
        await stranger.drop()


# ---- depth and size that are just allowed ---------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [100, 127])
async def test_moderate_depth_is_taken(depth: int, autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer()
        await peer.send(f'42["note",{"[" * depth}{"]" * depth}]')
        await wait_all_tasks_blocked()
        assert len(stage.handled) == 1
        await stage.undisturbed()
        await peer.drop()


async def test_a_huge_integer_comes_through(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        assert (await poller.post_body(payload_of(f'421["echo",{10**30}]'))).body == b"ok"
        assert await poller.packets() == [f"431[{10**30}]"]
        await poller.post("1")
