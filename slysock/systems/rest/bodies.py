"""How bodies are read: as events are, so that a request may have any text that an event may have."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus
from typing import final

from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import HTTPException, InternalServerException, SerializationException

from slysock import InvalidPayload
from slysock.asgi import decode_json


@final
class JsonRequest(Request[None, None, State]):
    """A request with JSON, as JavaScript writes it, in its body."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Yield the pieces of the body.

        Raises:
            HTTPException: it broke off, or did not come in time, which is no failure of ours.
        """
        try:
            async with aclosing(super().stream()) as pieces:  # it ends with this, also when nobody wants the rest
                async for piece in pieces:
                    yield piece  # noqa: ASYNC119 - whoever asks for the stream closes it
        except InternalServerException as error:
            raise HTTPException("The request broke off", status_code=HTTPStatus.REQUEST_TIMEOUT) from error

    async def json(self) -> object:
        """Decode the body; an empty one is null.

        Raises:
            SerializationException: it is not JSON, which Litestar answers with 400.
        """
        try:
            return decode_json(await self.body() or b"null")
        except InvalidPayload as error:
            raise SerializationException(f"The body is not JSON: {error}") from error
