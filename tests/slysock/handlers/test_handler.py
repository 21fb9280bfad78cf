"""One handler: what it is called with, and what answers when it fails."""

from slysock import NO_ACK, Refusal, Router, Socket
from tests.slysock.serving import serving


async def test_a_router_in_two_servers_answers_by_the_hook_of_each() -> None:
    common, one, other = Router(), Router(), Router()

    @common.on("fail")
    def fail(socket: Socket) -> None:
        raise Refusal("no")

    one.include(common)
    other.include(common)
    one.on_error(lambda socket, event, error: "one")
    other.on_error(lambda socket, event, error: "other")
    async with serving(one) as first, serving(other) as second:
        assert await (await first.connect()).call("fail") == "one"
        assert await (await second.connect()).call("fail") == "other"


def test_no_ack_names_itself() -> None:
    assert repr(NO_ACK) == "NO_ACK"
