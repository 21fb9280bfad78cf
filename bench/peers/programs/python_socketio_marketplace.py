# mypy: disable-error-code="untyped-decorator"
# python-socketio has no types.
"""The marketplace's `sendMessage` on python-socketio: the same rules, store, payload types and shapes as slysock's.

argv: the database. The token's secret is in SLYSOCK_JWT_SECRET, as for `slysock serve`.
"""

import asyncio
import json
import os
import socket as sockets
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import jwt
import msgspec
import socketio
import uvicorn

from bench.peers.programs.asyncio_store import open_store
from slysock.systems.marketplace.envelope import Envelope
from slysock.systems.marketplace.payloads import SendMessage
from slysock.systems.marketplace.people import Person, Role, product_chat
from slysock.systems.marketplace.views import message_shape, new_chat
from slysock_store import AddedMessage, NewChat, NewMessage, Store, SystemName, User, UserKey

SYSTEM = SystemName("marketplace")
SECRET = os.environ["SLYSOCK_JWT_SECRET"]

sio = socketio.AsyncServer(async_mode="asgi")
store: Store
online: Counter[UserKey] = Counter()
listening: Counter[UserKey] = Counter()
turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # as the messages of a chat have one order
users: dict[UserKey, User] = {}  # the stored user of each who is in /chat


class Talk(NamedTuple):
    """What does not change from message to message, as in slysock's handler."""

    sender: UserKey
    recipient: Person
    recipient_key: UserKey
    chat: NewChat
    sender_room: str
    recipient_room: str


# (who, recipient's id, product) -> a talk whose chat exists, which need not be looked for before each message
known: dict[tuple[UserKey, int, int | str], Talk] = {}


def identify(auth: dict[str, str]) -> Person:
    try:
        claims = jwt.decode(auth["token"], SECRET, algorithms=["HS256"])
    except (jwt.PyJWTError, KeyError, TypeError):
        raise socketio.exceptions.ConnectionRefusedError("not authenticated") from None
    return Person(Role(claims["role"]), claims["userId"])


@sio.on("connect", namespace="/presence")
async def presence_connect(sid: str, _environ: dict[str, object], auth: dict[str, str]) -> None:
    person = identify(auth)
    online[person.key] += 1
    await sio.save_session(sid, {"person": person}, namespace="/presence")


@sio.on("disconnect", namespace="/presence")
async def presence_disconnect(sid: str, _reason: str) -> None:
    person: Person = (await sio.get_session(sid, namespace="/presence"))["person"]
    online[person.key] -= 1


@sio.on("connect", namespace="/chat")
async def chat_connect(sid: str, _environ: dict[str, object], auth: dict[str, str]) -> None:
    person = identify(auth)
    if not online[person.key]:
        raise socketio.exceptions.ConnectionRefusedError("not online")
    users[person.key] = await store.upsert_user(SYSTEM, person.key, role=person.role, profile={})
    await sio.save_session(sid, {"person": person}, namespace="/chat")
    await sio.enter_room(sid, person.room, namespace="/chat")
    listening[person.key] += 1


@sio.on("disconnect", namespace="/chat")
async def chat_disconnect(sid: str, _reason: str) -> None:
    person: Person = (await sio.get_session(sid, namespace="/chat"))["person"]
    listening[person.key] -= 1


@sio.on("sendMessage", namespace="/chat")
async def send_message(sid: str, data: object) -> object:
    payload = msgspec.convert(data, SendMessage)
    sender: Person = (await sio.get_session(sid, namespace="/chat"))["person"]
    key = (sender.key, payload.recipient_id, payload.product_id)
    talk = known.get(key)
    if talk is None:
        talk = talk_of(sender, payload)
        if await store.find_chat(SYSTEM, talk.chat.key) is None:
            await store.get_users(SYSTEM, (talk.recipient_key, Person(sender.role, talk.recipient.id).key))
        else:
            known[key] = talk
    message = NewMessage(
        sender=talk.sender,
        recipient=talk.recipient_key,
        kind="text",
        text=payload.text,
        attachments=(),
        client_message_id=payload.client_message_id,
        recipient_online=bool(online[talk.recipient_key]),
        delivered_to=(talk.recipient_key,) if listening[talk.recipient_key] else (),
        extra={},
    )
    async with turns[talk.chat.key]:
        stored = await store.add_message(SYSTEM, talk.chat, message)
        received = msgspec.to_builtins(Envelope(data=[message_shape(stored.message)]))
        await tell(talk.sender_room, "receiveMessage", received)
        if stored.created_chat:
            await tell(talk.recipient_room, "newChat", begun(stored, talk))
        else:
            await tell(talk.recipient_room, "receiveMessage", received)
    return received


def talk_of(sender: Person, payload: SendMessage) -> Talk:
    recipient = sender.counterpart(payload.recipient_id)
    chat = product_chat(sender, recipient, payload.product_id)
    return Talk(sender.key, recipient, recipient.key, chat, sender.room, recipient.room)


def begun(stored: AddedMessage, talk: Talk) -> object:
    shape = new_chat(stored.chat, stored.message, talk.recipient, {talk.sender: users[talk.sender]})
    return msgspec.to_builtins(Envelope(message=shape))


async def tell(room: str, event: str, envelope: object) -> None:
    await sio.emit(event, envelope, room=room, namespace="/chat")


async def main() -> None:
    global store
    store = open_store(Path(sys.argv[1]))
    listener = sockets.create_server(("127.0.0.1", 0), backlog=4096)
    config = uvicorn.Config(
        socketio.ASGIApp(sio), http="httptools", ws="websockets-sansio", log_level="error", access_log=False,
        ws_per_message_deflate=False, backlog=4096,
    )  # fmt: skip
    sys.stdout.write(json.dumps({"port": listener.getsockname()[1]}) + "\n")
    sys.stdout.flush()
    await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
