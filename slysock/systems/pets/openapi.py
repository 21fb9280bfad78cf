"""What the API's documentation says about routes whose bodies are streamed: no handler's signature shows it."""

from dataclasses import dataclass
from typing import Final

from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)

from slysock.systems.uploads import KINDS

from .payloads import MAX_CONTENT_CHARACTERS

_FILE: Final = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
_TEXT: Final = Schema(type=OpenAPIType.STRING)


@dataclass
class UploadOperation(Operation):
    """`POST /api/chat/{chatId}/send-media`."""

    def __post_init__(self) -> None:
        """Describe the form."""
        form = Schema(
            type=OpenAPIType.OBJECT,
            required=["media"],
            properties={
                "media": _FILE,
                "content": Schema(type=OpenAPIType.STRING, max_length=MAX_CONTENT_CHARACTERS, description="A caption"),
                "parentMessageId": _TEXT,
                "clientMessageId": _TEXT,
            },
        )
        self.request_body = RequestBody(content={"multipart/form-data": OpenAPIMediaType(schema=form)}, required=True)


@dataclass
class DownloadOperation(Operation):
    """`GET /api/chat/media/{name}`."""

    def __post_init__(self) -> None:
        """Describe the file and its parts."""
        content = {kind.mime: OpenAPIMediaType(schema=_FILE) for kind in KINDS}
        self.responses = {
            **(self.responses or {}),
            "200": OpenAPIResponse(description="The file", content=content),
            "206": OpenAPIResponse(description="The part of it that the Range header names", content=content),
            "304": OpenAPIResponse(description="It is the one that the If-None-Match header names"),
            "416": OpenAPIResponse(description="It has no such part"),
        }
