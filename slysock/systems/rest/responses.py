"""Answers, and what is to happen after them."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from litestar import Response
from litestar.background_tasks import BackgroundTask

T = TypeVar("T")
P = ParamSpec("P")


def then(content: T, call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> Response[T]:
    """Answer with this content and, when the answer is on its way, make a plain call.

    Not for what must keep the order of a chat: while one answer is being sent, the next message may be stored. Such
    things are announced by `Messages.send`, right after the commit.
    """

    async def make_call() -> None:  # noqa: ASYNC124 - Litestar would make a plain call in a thread
        call(*args, **kwargs)

    return Response(content, background=BackgroundTask(make_call))
