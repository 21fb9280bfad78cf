"""A client that sends and leaves at once: its messages are stored, and told to the other side."""

from collections.abc import Sequence

import pytest

from slysock.systems.services.payloads import ChatRecord
from tests.clients import NodeClients, Payload
from tests.slysock.systems.services.office import ANNA, BEN, CHAT
from tests.slysock.systems.services.replay import served, token_of

pytestmark = [pytest.mark.port, pytest.mark.node]


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], None], ids=["polling", "websocket", "upgrade"])
@pytest.mark.parametrize("end", ["disconnect", "cut"])
async def test_messages_that_are_sent_right_before_their_sender_leaves_are_stored_and_told(
    node: NodeClients, durable_url: str, transports: Sequence[str] | None, end: str
) -> None:
    async with served(durable_url) as (url, services):
        await services.managing.put_chat(CHAT, ChatRecord(client_id=ANNA, provider_id=BEN))
        ben = await node.connect(url, auth={"token": token_of(BEN)})
        await ben.call("user-join", BEN)
        await ben.call("join-chat", CHAT)
        anna = await node.connect(url, auth={"token": token_of(ANNA)}, transports=transports)
        if transports is None:
            await anna.wait_upgrade()
        messages: list[Payload] = [{"chatId": CHAT, "content": f"message {number}"} for number in range(3)]
        await anna.burst(*(["send-message", message] for message in messages), end=end)
        for number in range(3):
            (told,) = await ben.next_args("new-message")
            assert isinstance(told, dict)
            assert told["content"] == f"message {number}"
