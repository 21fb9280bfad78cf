"""The root namespace beside another system: one event in both, picked by payload; nothing of one reaches the other."""

from typing import final

import trio
from msgspec import Struct

from slysock import Router, Socket
from slysock.systems.foundation import Foundation
from slysock.systems.services import services
from slysock.systems.system import System
from tests.systems.market import nothing_for, settle, token_for
from tests.systems.running import open_systems
from tests.systems.services.office import refused


@final
class JoinChat(Struct, rename="camel"):
    """The other system's payload."""

    chat_id: str


def other(foundation: Foundation) -> System:
    """Make a system whose `join-chat` takes an object, and which puts everybody into the room of their bare id."""
    router = Router("/")

    @router.on_connect
    def come(socket: Socket) -> None:
        identity = foundation.admission.maybe_identity(socket)
        socket.join(str(identity.user_id if identity else ""))

    @router.on("join-chat")
    def join_chat(socket: Socket, payload: JoinChat) -> str:
        return f"the other's {payload.chat_id}"

    return System(name="other", routers=(foundation.root.router, router), run=trio.sleep_forever)


async def test_join_chat_is_ours_with_a_text_and_the_others_with_an_object() -> None:
    for makers in ((services, other), (other, services)):
        async with open_systems(*makers) as running:
            client = await running.memory.connect(auth={"token": token_for("anna", "client")})
            assert await client.call("join-chat", {"chatId": "c"}) == "the other's c"
            assert await refused(client, "join-chat", "c") == (404, "Chat not found")


async def test_the_same_id_in_another_system_is_somebody_else() -> None:
    async with open_systems(services, other) as running:
        theirs = await running.memory.connect(auth={"token": token_for("anna", "buyer")})
        ours = await running.memory.connect(auth={"token": token_for("anna", "client")})
        await ours.call("user-join", "anna")
        await settle()
        ours.waiting()
        await ours.call("set-online-status", {"userId": "anna", "isOnline": False})
        await nothing_for(theirs)
