"""The root namespace beside another system: one event in both, picked by payload; nothing of one reaches the other."""

from typing import final

import trio
from msgspec import Struct

from slysock import Router, Socket
from slysock.systems.foundation import Foundation
from slysock.systems.services import services
from slysock.systems.system import System
from tests.slysock.systems.market import nothing_for, settle, token_for
from tests.slysock.systems.running import open_systems
from tests.slysock.systems.services.office import refused


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
        body = {"clientId": "anna", "providerId": "ben"}
        back_end = token_for("back-end", "service")
        assert (await running.http("PUT", "/manage/services/chats/c", token=back_end, body=body)).status == 200
        theirs = await running.memory.connect(auth={"token": token_for("anna", "buyer")})
        ours, ben = [
            await running.memory.connect(auth={"token": token_for(user, role)})
            for user, role in (("anna", "client"), ("ben", "provider"))
        ]
        await ours.call("user-join", "anna")
        await ben.call("send-message", {"chatId": "c", "content": "for Anna of services"})
        await settle()
        assert [event.name for event in ours.waiting()] == ["user-status-changed", "message-notification"]
        await nothing_for(theirs)
