"""Pages of marks come back as they were put, each owner's alone."""

from contextlib import closing

from slysock_store import ChatId
from slysock_store.progress import Kind
from slysock_store.sqlite.connection import connect
from slysock_store.sqlite.pages import StoredPages
from slysock_store.testing.harness import ANNA, BEN
from tests.store.sqlite_parts import prepare

CHAT = ChatId("c")


def test_pages_are_put_replaced_and_cleared_by_owner() -> None:
    with closing(connect(":memory:")) as connection:
        prepare(connection)
        pages = StoredPages(connection)
        pages.put_pages(CHAT, ANNA, Kind.READ, {0: 1, 7: 1 << 4095})
        pages.put_pages(CHAT, ANNA, Kind.READ, {0: 3})
        pages.put_pages(CHAT, ANNA, Kind.DELIVERED, {0: 4})
        pages.put_pages(CHAT, BEN, Kind.READ, {0: 5})
        assert [pages.page(CHAT, ANNA, Kind.READ, number) for number in (0, 1, 7)] == [3, 0, 1 << 4095]
        again = StoredPages(connection)
        assert again.pages(CHAT, ANNA, Kind.READ, range(1, 9)) == {7: 1 << 4095}
        pages.clear_pages(CHAT, ANNA, Kind.READ)
        assert [pages.page(CHAT, ANNA, Kind.READ, number) for number in (0, 7)] == [0, 0]
        assert [pages.page(CHAT, ANNA, Kind.DELIVERED, 0), pages.page(CHAT, BEN, Kind.READ, 0)] == [4, 5]
