"""How bodies are read: as events are, so that a text which a socket may send is no error in a request."""

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
            SerializationException: it is no JSON, which Litestar answers 400.
        """
        try:
            return decode_json(await self.body() or b"null")
        except InvalidPayload as error:
            raise SerializationException(f"The body is no JSON: {error}") from error
