"""A browser's visitor (cookies and storage of its own) and the pages that it has open.

page = await visitor.open(site)
greeting = await page.run("const socket = io(url); return await once(socket, 'hello');", url=server)
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final, NewType, final

import msgspec

from tests.browser.devtools import DevTools, Incoming, Nothing, SessionId, open_devtools
from tests.browser.polls import Polls
from tests.clients.deadline import ClientError

ContextId = NewType("ContextId", str)
TargetId = NewType("TargetId", str)

_KEPT_LINES: Final = 50  # of a page's console, for failures


@final
class _Context(msgspec.Struct, frozen=True, rename="camel"):
    browser_context_id: ContextId


@final
class _Target(msgspec.Struct, frozen=True, rename="camel"):
    target_id: TargetId


@final
class _Session(msgspec.Struct, frozen=True, rename="camel"):
    session_id: SessionId


@final
class _Navigation(msgspec.Struct, frozen=True, rename="camel"):
    error_text: str | None = None


@final
class _Remote(msgspec.Struct, frozen=True):
    """A value of a script, or what it threw."""

    value: object = None
    description: str | None = None


@final
class _Thrown(msgspec.Struct, frozen=True):
    text: str
    exception: _Remote | None = None


@final
class _Evaluated(msgspec.Struct, frozen=True, rename="camel"):
    result: _Remote
    exception_details: _Thrown | None = None


@final
class _Entry(msgspec.Struct, frozen=True):
    text: str


@final
class _Logged(msgspec.Struct, frozen=True):
    entry: _Entry


@final
class Page:
    """A tab. Made by `Visitor.open`."""

    def __init__(self, devtools: DevTools, target: TargetId, session: SessionId) -> None:
        self._devtools = devtools
        self._target = target
        self._session = session
        self._loaded: list[Incoming] = []
        self.console: list[str] = []
        """What the browser tells the developer, such as why it has blocked a request."""
        self._polls = Polls()
        devtools.listen(session, self._take)

    async def go(self, url: str) -> None:
        """Navigate, and wait until everything that the page names has been loaded.

        Raises:
            ClientError: nothing is there.
        """
        self._loaded.clear()
        navigation = await self._devtools.call("Page.navigate", _Navigation, self._session, url=url)
        if navigation.error_text is not None:
            raise ClientError(f"{url}: {navigation.error_text}")
        await self._devtools.wait_for(lambda: next(iter(self._loaded), None), f"{url} does not load")

    async def run(self, script: str, **given: object) -> object:
        """Run the body of an async function in the page, and give what it returns as JSON has it.

        Args:
            script: may `return` a value and `await` promises.
            given: constants for it, as JSON has them.

        Raises:
            ClientError: it threw, or does not end.
        """
        names = ", ".join(given)
        function = f"(async ({{{names}}}) => {{ {script}\n}})({msgspec.json.encode(given).decode()})"
        try:
            evaluated = await self._devtools.call(
                "Runtime.evaluate",
                _Evaluated,
                self._session,
                expression=function,
                awaitPromise=True,
                returnByValue=True,
                userGesture=True,
            )
        except ClientError as error:
            raise ClientError(f"{error}\n{script}\n{self._complaints()}") from None
        if evaluated.exception_details is not None:
            thrown = evaluated.exception_details.exception or _Remote()
            raise ClientError(f"{thrown.description or thrown.value}\n{script}\n{self._complaints()}")
        return evaluated.result.value

    async def wait_told(self, text: str) -> None:
        """Wait until the console says something, which may be a moment after the page's scripts have noticed.

        Raises:
            ClientError: it never does.
        """
        try:
            await self._devtools.wait_for(lambda: next((line for line in self.console if text in line), None), text)
        except ClientError as error:
            raise ClientError(f"not told: {error}\n{self._complaints()}") from None

    async def wait_polling(self) -> None:
        """Wait until a poll has gone out that is not answered yet.

        Raises:
            ClientError: none does.
        """
        await self._devtools.wait_for(lambda: self._polls.under_way or None, "the page does not poll")

    async def close(self) -> None:
        """Close the tab, as its cross does."""
        await self._devtools.call("Target.closeTarget", Nothing, targetId=self._target)

    async def crash(self) -> None:
        """End the tab's process without a word, as the kernel does when memory is short."""
        await self._devtools.tell("Page.crash", self._session)

    async def freeze(self) -> None:
        """Put the page to sleep, as the browser does with a tab that nobody has looked at for long."""
        await self._devtools.call("Page.setWebLifecycleState", Nothing, self._session, state="frozen")

    async def thaw(self) -> None:
        """Wake the page up."""
        await self._devtools.call("Page.setWebLifecycleState", Nothing, self._session, state="active")

    async def prepare(self) -> None:
        """Ask for what `go` and `console` need. `Visitor.open` does it."""
        for domain in ("Page", "Log", "Network", "Runtime"):
            await self._devtools.call(f"{domain}.enable", Nothing, self._session)

    def _take(self, event: Incoming) -> None:
        self._polls.take(event)
        if event.method == "Page.loadEventFired":
            self._loaded.append(event)
        elif event.method == "Log.entryAdded":
            self._note(msgspec.json.decode(event.params, type=_Logged).entry.text)
        elif event.method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self._note(bytes(event.params).decode())

    def _note(self, line: str) -> None:
        self.console.append(line)
        del self.console[:-_KEPT_LINES]

    def _complaints(self) -> str:
        return "\n".join(("The browser's console:", *(self.console or ["(empty)"])))


@final
class Visitor:
    """Somebody at the browser, who shares no cookie with anybody else."""

    def __init__(self, devtools: DevTools, context: ContextId) -> None:
        self._devtools = devtools
        self._context = context

    async def open(self, url: str) -> Page:
        """Open a tab and load a page in it."""
        devtools = self._devtools
        made = await devtools.call("Target.createTarget", _Target, url="about:blank", browserContextId=self._context)
        attached = await devtools.call("Target.attachToTarget", _Session, targetId=made.target_id, flatten=True)
        page = Page(devtools, made.target_id, attached.session_id)
        await page.prepare()
        await page.go(url)
        return page

    async def set_cookie(self, url: str, name: str, value: str) -> None:
        """Have a cookie as a server sets it at login: no script sees it."""
        cookie = {"name": name, "value": value, "url": url, "httpOnly": True, "sameSite": "Lax"}
        await self._devtools.call("Storage.setCookies", Nothing, cookies=[cookie], browserContextId=self._context)


@asynccontextmanager
async def visiting(address: str) -> AsyncGenerator[Visitor, None]:
    """Be at the browser for the length of the block; all pages are closed afterwards."""
    async with open_devtools(address) as devtools:
        context = await devtools.call("Target.createBrowserContext", _Context, disposeOnDetach=True)
        yield Visitor(devtools, context.browser_context_id)
        await devtools.call("Target.disposeBrowserContext", Nothing, browserContextId=context.browser_context_id)
