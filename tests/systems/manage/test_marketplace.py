"""The management API over the marketplace: what another back-end tells, and who hears of it."""

import msgspec
import pytest

from slysock.systems.marketplace import marketplace
from slysock_store import SystemName, UserKey
from tests.systems.market import at, settle, token_for
from tests.systems.running import Running, error_of, json_of, open_systems


def back_end() -> str:
    """Give the back-end's token."""
    return token_for("shop", "service")


async def put(running: Running, path: str, body: object, *, token: str | None = None) -> tuple[int, object]:
    answer = await running.http("PUT", f"/manage/marketplace/{path}", token=token or back_end(), body=body)
    return answer.status, json_of(answer)


async def test_x() -> None:
    async with open_systems(marketplace) as running:
        print(await put(running, "users/5", {"role": "vendor", "firstName": "Ada", "store": [{"id": 7, "name": "Wonders"}]}))
        print(await put(running, "users/5", {"role": "boss", "firstName": "Ada"}))
        print(await put(running, "products/12345", {"vendorId": 5, "name": "Mac"}))
        print((await running.http("GET", "/manage/marketplace/presence/5", token=back_end())).body)
        print((await running.http("POST", "/manage/marketplace/notifications", token=back_end(), body={"userId":5,"type":"product:upload"})).body)
        print((await running.http("GET", "/openapi.json")).body[:3000])
        r=await running.http("GET", "/docs")
        print(r.headers, r.body[:100])
        assert 0
