"""How bodies are read: as events are, so that a request may have any text that an event may have."""

from typing import final

from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import SerializationException

from slysock import InvalidPayload
from slysock.asgi import decode_json


@final
class JsonRequest(Request[None, None, State]):
    """A request with JSON, as JavaScript writes it, in its body."""

    async def json(self) -> object:
        """Decode the body; an empty one is null.

        Raises:
            SerializationException: it is not JSON, which Litestar answers with 400.
        """
        try:
            return decode_json(await self.body() or b"null")
        except InvalidPayload as error:
            raise SerializationException(f"The body is not JSON: {error}") from error
