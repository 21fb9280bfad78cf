"""Fixtures: one browser for all tests here, and for each a visitor, a web site and a server of its own."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest
import trio

from tests.browser.chromium import running_browser
from tests.browser.page import Visitor, visiting
from tests.browser.site import serve_site
from tests.clients.runtime import node_program

MISSING = pytest.StashKey[str]()


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip where there is no browser; from here, so that the summary has one line for all tests."""
    missing = item.config.stash.get(MISSING, None)
    if missing is not None:
        pytest.skip(missing)


@pytest.fixture(scope="package")
def chromium(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a browser's DevTools."""
    with ExitStack() as stack:
        address = ""
        try:
            node_program()  # also says whether the bundle that pages load is installed
            address = stack.enter_context(running_browser(tmp_path_factory.mktemp("chromium")))
        except LookupError as error:
            pytestconfig.stash[MISSING] = str(error)
        yield address


@pytest.fixture
async def visitor(chromium: str) -> AsyncIterator[Visitor]:
    """Somebody at the browser."""
    async with visiting(chromium) as somebody:
        yield somebody


@pytest.fixture
async def site(nursery: trio.Nursery) -> str:
    """The origin of the front-end."""
    origin: str = await nursery.start(serve_site)
    return origin
