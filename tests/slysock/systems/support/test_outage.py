"""While the store is unavailable: 503 in both shapes, and nobody is told anything that has not been stored."""

from contextlib import AsyncExitStack

import trio

from slysock import Server
from slysock.identity import Tokens, secret_key
from slysock.systems.assembly import assemble
from slysock.systems.foundation import make_foundation
from slysock.systems.support import support
from slysock.testing import serve_memory
from slysock_store import open_store
from tests.slysock.systems.market import SECRET, now, store_now, token_for
from tests.slysock.systems.running import Running, json_of
from tests.slysock.systems.support.center import NAMESPACE, Center, exception, http_failure, id_of

TEXT = "The chat is temporarily unavailable, try again later"
OUT_OF_ORDER = exception(503, TEXT, "Service Unavailable")


async def test_a_store_out_of_order_is_503_and_nobody_is_told_anything() -> None:
    async with trio.open_nursery() as nursery, AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store("sqlite://", clock=store_now))
        foundation = make_foundation(store, Tokens(secret_key(SECRET), clock=now))
        assembly = assemble([support(foundation)], foundation)
        server = Server(*assembly.routers, app=assembly.app)
        assembly.started(server)
        nursery.start_soon(assembly.run)
        async with serve_memory(server) as memory:
            center = Center(Running(memory, store, assembly))
            user, admin = await center.user(), await center.admin()
            conversation = id_of(await user.ask("POST", "/order-chat/1234"))
            for caller in (user, admin):
                await caller.join(conversation)
                await caller.heard()
            await stack.aclose()

            assert await user.join(conversation) == OUT_OF_ORDER
            assert await user.heard() == [("exception", OUT_OF_ORDER)]
            requests: list[tuple[str, str, object]] = [
                ("POST", "/messages", {"conversationId": conversation, "content": "x"}),
                ("POST", "/conversations", {"participants": ["u1"]}),
                ("PATCH", f"/conversations/{conversation}", {"status": "closed"}),
                ("GET", "/conversations", None),
                ("GET", f"/conversations/{conversation}", None),
                ("GET", f"/conversations/{conversation}/messages", None),
                ("POST", f"/conversations/{conversation}/read", None),
                ("POST", "/order-chat/1234", None),
                ("GET", "/order-chat/1234", None),
                ("GET", "/order-chat/1234/messages", None),
            ]
            for method, path, body in requests:
                answer = await admin.http(method, path, body)
                assert (answer.status, json_of(answer)) == (503, http_failure(503, TEXT, "Service Unavailable"))
            answer = await user.http("POST", "/conversations/with-admin", {})
            assert answer.status == 503
            assert (await center.manage("orders/1234", {"userId": "u1", "status": "delivered"})).status == 503

            late = await memory.connect(NAMESPACE, auth={"token": token_for("u2", "user")})
            assert await late.expect("exception") == (OUT_OF_ORDER,)
            assert await late.wait_disconnected(5) == "io server disconnect"
            left = await user.socket.call("leave-conversation", {"conversationId": conversation})
            assert left == {"success": True, "conversationId": conversation}
            await user.socket.disconnect()
            assert await admin.heard() == []
        nursery.cancel_scope.cancel()
