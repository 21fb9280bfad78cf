"""Socket.IO protocol v5 (docs/socket.io-protocol/v5-current.md), section by section.

Each test cites the sentence that it is for. "Node" marks what the document leaves open and clients rely on. All of it
with a ping interval of 25 s: what closes here closes at once.
"""

import json
import time

import pytest
import trio

from tests.conformance.live import Closed, Target, base64_packet, handshake

pytestmark = pytest.mark.port

CONNECT_DEADLINE_SECONDS = 1.0
HOLE = '{"_placeholder":true,"num":0}'


def sid_of(packet: str, prefix: str) -> str:
    """Read the answer to a CONNECT: its payload has the key `sid` and no other."""
    assert packet.startswith(prefix)
    payload: dict[str, object] = json.loads(packet[len(prefix) :])
    assert set(payload) == {"sid"}
    assert isinstance(payload["sid"], str)
    return payload["sid"]


# ---- "Connection to a namespace" ------------------------------------------------------------------------------------


async def test_connect(target: Target) -> None:
    """Connection to a namespace: "The server MUST respond with either: a `CONNECT` packet if the connection is
    successful, with the session ID".
    """
    websocket = await target.open_websocket()
    await websocket.send("40")
    sid_of(await websocket.text(), "40")
    assert await websocket.text() == '42["auth",{}]'


async def test_connect_with_a_payload(target: Target) -> None:
    """History, v5: "The client can send a payload for authentication/authorization purposes"."""
    websocket = await target.open_websocket()
    await websocket.send('40{"token":"123"}')
    sid_of(await websocket.text(), "40")
    assert await websocket.text() == '42["auth",{"token":"123"}]'


@pytest.mark.parametrize(("packet", "auth"), [("40/custom,", "{}"), ('40/custom,{"token":"abc"}', '{"token":"abc"}')])
async def test_connect_to_a_custom_namespace(packet: str, auth: str, target: Target) -> None:
    """Examples, "Connection to a namespace", "with a custom namespace"."""
    websocket = await target.open_websocket()
    await websocket.send(packet)
    sid_of(await websocket.text(), "40/custom,")
    assert await websocket.text() == f'42/custom,["auth",{auth}]'


async def test_connect_without_the_comma(target: Target) -> None:
    """Node: a CONNECT whose name goes to the end of the packet."""
    websocket = await target.open_websocket()
    await websocket.send("40/custom")
    sid_of(await websocket.text(), "40/custom,")


async def test_the_public_id_is_not_the_sessions(target: Target) -> None:
    """History, v5: "the ID of the Socket.IO connection will now be different from the ID of the underlying Engine.IO
    connection".
    """
    websocket = await target.websocket_to(target.websocket)
    opened = handshake(await websocket.text())
    await websocket.send("40")
    assert sid_of(await websocket.text(), "40") != opened["sid"]


async def test_several_namespaces_on_one_connection(target: Target) -> None:
    """Connection to a namespace: "A client MAY be connected to multiple namespaces at the same time"."""
    websocket = await target.join()
    await websocket.send("40/custom,")
    sid_of(await websocket.text(), "40/custom,")
    assert await websocket.text() == '42/custom,["auth",{}]'
    await websocket.send('421["message-with-ack","x"]')
    assert await websocket.text() == '431["x"]'


async def test_an_unknown_namespace_is_refused(target: Target) -> None:
    """Connection to a namespace: "or a `CONNECT_ERROR` packet if the connection is not allowed"; the payload is an
    object. The connection stays.
    """
    websocket = await target.open_websocket()
    await websocket.send("40/random")
    assert await websocket.text() == '44/random,{"message":"Invalid namespace"}'
    await websocket.send("40")
    sid_of(await websocket.text(), "40")


@pytest.mark.parametrize("packet", ["4abc", '42["message"]', "41", "431[]", "47", "44{}", "4"])
async def test_a_first_message_that_is_no_connect_closes_at_once(packet: str, target: Target) -> None:
    """Connection to a namespace: "If the server does not receive a `CONNECT` packet first, then it MUST close the
    connection immediately".
    """
    websocket = await target.open_websocket()
    started = time.monotonic()
    await websocket.send(packet)
    assert await websocket.closing() != 1006
    assert time.monotonic() - started < CONNECT_DEADLINE_SECONDS


@pytest.mark.parametrize("messages", [(b"\x01\x02",), (f'451-["message",{HOLE}]', b"\x01")])
async def test_binary_before_connect_closes_at_once(messages: tuple[str | bytes, ...], target: Target) -> None:
    """The same sentence: attachments are not collected for a client that has not joined."""
    websocket = await target.open_websocket()
    started = time.monotonic()
    await websocket.send(*messages)
    assert await websocket.closing() != 1006
    assert time.monotonic() - started < CONNECT_DEADLINE_SECONDS


async def test_no_connect_until_the_deadline_closes(target: Target) -> None:
    """Node: `connectTimeout`."""
    websocket = await target.open_websocket()
    started = time.monotonic()
    await websocket.closing()
    assert time.monotonic() - started >= CONNECT_DEADLINE_SECONDS * 0.9


async def test_a_refused_connect_does_not_put_the_deadline_off(target: Target) -> None:
    """Node: only joining counts."""
    websocket = await target.open_websocket()
    await websocket.send("40/random")
    assert (await websocket.text()).startswith("44/random")
    await websocket.closing()


async def test_a_client_that_has_joined_has_no_deadline(target: Target) -> None:
    """Node: neither when it leaves its only namespace again."""
    websocket = await target.join()
    await websocket.send("41")
    await trio.sleep(CONNECT_DEADLINE_SECONDS * 1.5)
    await websocket.send("40")
    sid_of(await websocket.text(), "40")


@pytest.mark.parametrize("packet", ["40[]", '40"x"', "40{", "40123"])
async def test_an_invalid_auth_closes(packet: str, target: Target) -> None:
    """Node: a CONNECT's payload is an object or nothing."""
    websocket = await target.open_websocket()
    await websocket.send(packet)
    assert await websocket.closing() != 1006


# ---- "Sending and receiving data" -----------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", ['1,"2",{"3":[true]}', "null", '"€ 🙂"', "", '{"a":{"b":[1.5,-2,1e3]}}'])
async def test_an_event(arguments: str, target: Target) -> None:
    """Examples, "Sending and receiving data"."""
    websocket = await target.join()
    sent = json.loads(f"[{arguments}]")
    await websocket.send(f'42["message"{"," if arguments else ""}{arguments}]')
    answer = await websocket.text()
    assert answer.startswith("42")
    assert json.loads(answer[2:]) == ["message-back", *sent]


async def test_a_binary_event(target: Target) -> None:
    """Packet encoding: "+ binary attachments extracted": the text packet, then its frames in order."""
    websocket = await target.join()
    second = HOLE.replace("0", "1")
    await websocket.send(f'452-["message",{HOLE},{second}]', b"\x01\x02\x03", b"\x04\x05\x06")
    assert await websocket.text() == f'452-["message-back",{HOLE},{second}]'
    assert [await websocket.receive(), await websocket.receive()] == [b"\x01\x02\x03", b"\x04\x05\x06"]


async def test_a_nested_attachment(target: Target) -> None:
    """Placeholders may be anywhere."""
    websocket = await target.join()
    await websocket.send(f'451-["message",{{"a":[{{"b":{HOLE}}}]}}]', b"\x01")
    assert await websocket.text() == f'451-["message-back",{{"a":[{{"b":{HOLE}}}]}}]'
    assert await websocket.receive() == b"\x01"


async def test_a_binary_event_by_polling(target: Target) -> None:
    """Engine.IO, packet encoding: attachments as base64, behind their packet."""
    session = await target.open_polling()
    await session.post("40")
    first = await session.packets()
    while len(first) < 2:
        first += await session.packets()
    attachment = base64_packet(b"\x01\x02")
    await session.post(f'451-["message",{HOLE}]\x1e{attachment}')
    assert await session.packets() == [f'451-["message-back",{HOLE}]', attachment]


@pytest.mark.parametrize(
    "packet", ["42{}", '42"message"', "42", "42[]", "42[{}]", "42[null]", '42abc["message"]', "42["]
)
async def test_an_event_that_is_no_array_closes_at_once(packet: str, target: Target) -> None:
    """Sending and receiving data: "The payload is mandatory and MUST be a non-empty array. If that's not the case,
    then the receiver MUST close".
    """
    websocket = await target.join()
    await websocket.send(packet)
    assert await websocket.closing() != 1006


@pytest.mark.parametrize(
    "name", ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
)
async def test_a_reserved_event_closes_at_once(name: str, target: Target) -> None:
    """Node: socket.io-parser's RESERVED_EVENTS."""
    websocket = await target.join()
    await websocket.send(f'42["{name}"]')
    assert await websocket.closing() != 1006


@pytest.mark.parametrize(
    "messages",
    [
        (b"\x01",),
        (f'451-["message",{HOLE}]', '42["message"]'),
        ('451-["message",{"_placeholder":true,"num":1}]', b"\x01"),
        ('451-["message",{"_placeholder":true,"num":-1}]', b"\x01"),
        ('451-["message",{"_placeholder":true,"num":"0"}]', b"\x01"),
        (f'4511-["message",{HOLE}]',),
        (f'45["message",{HOLE}]',),
    ],
)
async def test_attachments_that_do_not_fit_close_at_once(messages: tuple[str | bytes, ...], target: Target) -> None:
    """Packet encoding, Format: `[<# of binary attachments>-]`. Node takes ten of them since socket.io-parser 4.2.6."""
    websocket = await target.join()
    await websocket.send(*messages)
    assert await websocket.closing() != 1006


async def test_an_event_nobody_handles_is_ignored(target: Target) -> None:
    """Node: no ack, no disconnect."""
    websocket = await target.join()
    await websocket.send('427["nobody"]', '42["nobody",1]', '428["message-with-ack",1]')
    assert await websocket.text() == "438[1]"


async def test_a_thousand_events_keep_their_order(target: Target) -> None:
    """Introduction: messages are ordered."""
    websocket = await target.join()
    await websocket.send(*(f'42["message",{number}]' for number in range(1000)))
    assert [await websocket.text() for _ in range(1000)] == [f'42["message-back",{n}]' for n in range(1000)]


async def test_an_event_for_a_namespace_that_the_client_is_not_in_closes(target: Target) -> None:
    """Node: no socket for that namespace."""
    websocket = await target.join()
    await websocket.send('42/custom,["message"]')
    assert await websocket.closing() != 1006


# ---- "Acknowledgement" ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 456, 2**53 - 1])
async def test_an_ack(number: int, target: Target) -> None:
    """Acknowledgement: "The receiver MUST respond with an `ACK` packet with the same event ID"."""
    websocket = await target.join()
    await websocket.send(f'42{number}["message-with-ack",1,"2",{{"3":[false]}}]')
    assert await websocket.text() == f'43{number}[1,"2",{{"3":[false]}}]'


async def test_an_empty_ack(target: Target) -> None:
    """Acknowledgement: "The payload is mandatory and MUST be an array (possibly empty)"."""
    websocket = await target.join()
    await websocket.send('425["message-with-ack"]')
    assert await websocket.text() == "435[]"


async def test_a_binary_ack(target: Target) -> None:
    """Examples, "Acknowledgement", "with binary data"."""
    websocket = await target.join()
    second = HOLE.replace("0", "1")
    await websocket.send(f'452-789["message-with-ack",{HOLE},{second}]', b"\x01", b"\x02")
    assert await websocket.text() == f"462-789[{HOLE},{second}]"
    assert [await websocket.receive(), await websocket.receive()] == [b"\x01", b"\x02"]


async def test_an_ack_that_nobody_waits_for_is_ignored(target: Target) -> None:
    """Node: "bad ack"."""
    websocket = await target.join()
    await websocket.send('43999["x"]', '421["message-with-ack"]')
    assert await websocket.text() == "431[]"


# ---- "Disconnection from a namespace" -------------------------------------------------------------------------------


async def test_disconnect_leaves_the_connection_open(target: Target) -> None:
    """Disconnection from a namespace: "No response is expected from the other side"; the client may come back on the
    same connection.
    """
    websocket = await target.join()
    await websocket.send("41", "40")
    sid_of(await websocket.text(), "40")


async def test_disconnect_from_one_namespace_leaves_the_others(target: Target) -> None:
    """Disconnection from a namespace: "The low-level connection MAY be kept alive if the client is connected to
    another namespace".
    """
    websocket = await target.join()
    await websocket.send("40/custom,")
    sid_of(await websocket.text(), "40/custom,")
    assert await websocket.text() == '42/custom,["auth",{}]'
    await websocket.send("41/custom", '421["message-with-ack"]')
    assert await websocket.text() == "431[]"


@pytest.mark.parametrize("packet", ["2", "abc", "4abc", "42{}", '42abc["message-with-ack"]'])
async def test_what_cannot_be_parsed_closes_at_once(packet: str, target: Target) -> None:
    """Node: and not by the ping timeout."""
    websocket = await target.join()
    await websocket.send(packet)
    assert await websocket.closing() != 1006


async def test_a_closed_session_answers_nothing_more(target: Target) -> None:
    """After a close packet nothing counts."""
    websocket = await target.join()
    await websocket.send("1", '421["message-with-ack"]')
    with pytest.raises(Closed):
        await websocket.receive()
