"""Media over HTTP: a form in, a file out."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from http import HTTPStatus
from typing import Final, cast, final

from litestar import Response
from litestar.exceptions import HTTPException
from litestar.handlers import post, route
from litestar.params import FromPath
from litestar.types import ASGIApp, ControllerRouterHandler

from slysock.asgi import PreciseApp
from slysock.systems.rest import Caller, HttpRequest, then
from slysock.systems.uploads import (
    MAX_OVERHEAD_BYTES,
    BadForm,
    DayQuotaReached,
    FileTooLarge,
    FolderBroken,
    MediaAnswer,
    NoRoom,
    NotMedia,
    Patience,
    QuotaReached,
    TooManyUploads,
    UploadBroken,
    UploadError,
)

from .failures import Failure
from .openapi import DownloadOperation, UploadOperation
from .people import person_of
from .service import Pets
from .shapes import Envelope, MessageShape

logger = logging.getLogger("slysock.systems")

_STATUS: Final[Mapping[type[UploadError], HTTPStatus]] = {
    BadForm: HTTPStatus.BAD_REQUEST,
    FileTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NotMedia: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    TooManyUploads: HTTPStatus.TOO_MANY_REQUESTS,
    DayQuotaReached: HTTPStatus.TOO_MANY_REQUESTS,
    QuotaReached: HTTPStatus.INSUFFICIENT_STORAGE,  # as RFC 4331, section 6, has it for quotas
    UploadBroken: HTTPStatus.REQUEST_TIMEOUT,
    NoRoom: HTTPStatus.INSUFFICIENT_STORAGE,
    FolderBroken: HTTPStatus.SERVICE_UNAVAILABLE,
}


def media_handlers(service: Pets) -> list[ControllerRouterHandler]:
    """Make the handlers of `POST /{chatId}/send-media` and `GET /media/{name}`."""
    folder, media = service.folder, service.media

    @post(
        "/{chat_id:str}/send-media",
        request_max_body_size=None,  # the folder has a limit of its own, and words for it
        exception_handlers={UploadError: answer_upload_error},
        operation_class=UploadOperation,
        middleware=[_patient],
    )
    async def send_media(
        identity: Caller, request: HttpRequest, chat_id: FromPath[str]
    ) -> Response[Envelope[MessageShape]]:
        """Send an image or a video: the form field `media`, and optionally `content`, the caption."""
        sender = await service.sessions.caller(identity)
        boundary = _boundary_of(request)
        expected_bytes = request.content_length or 0
        if expected_bytes > folder.max_file_bytes + MAX_OVERHEAD_BYTES:
            raise FileTooLarge(folder.max_file_bytes)
        with service.outgoing.after_answer() as behind:
            async with aclosing(request.stream()) as stream:
                message = await service.sending.send_media(
                    sender, chat_id, _Pieces(stream), boundary, behind.add, expected_bytes=expected_bytes
                )
            return then(Envelope(message="Media message sent successfully", data=message), behind.release)

    @route(
        "/media/{name:str}",
        http_method=["GET", "HEAD"],
        exception_handlers={UploadError: answer_upload_error},
        operation_class=DownloadOperation,
    )
    async def get_media(identity: Caller, name: FromPath[str]) -> ASGIApp:
        """Get a file in one's own chats, or a part of it, by its `mediaUrl`."""
        found, stored = await media.open(name, user=person_of(identity).key)
        return cast("ASGIApp", MediaAnswer(folder, stored, found))  # as in `_patient`

    return [send_media, get_media]


def answer_upload_error(request: HttpRequest, error: UploadError) -> Response[Failure]:
    """Answer why an upload was not accepted; an exception handler of Litestar's."""
    if isinstance(error, NoRoom | FolderBroken) and error.__cause__ is not None:
        logger.error("the folder of uploads cannot be used for %s: %s", request.method, error.__cause__)
    return Response(Failure(message=str(error)), status_code=_STATUS[type(error)])


def _patient(app: ASGIApp) -> ASGIApp:
    # Litestar has names of its own for the types of ASGI.
    return cast("ASGIApp", Patience(cast("PreciseApp", app)))


def _boundary_of(request: HttpRequest) -> str:
    content_type, options = request.content_type
    if content_type != "multipart/form-data":
        raise BadForm("Expected a body of the type multipart/form-data")
    return options.get("boundary", "")


@final
class _Pieces(AsyncIterator[bytes]):
    """A body piece by piece, with Litestar's exception for a client that has left translated."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._stream)
        except HTTPException as error:
            raise UploadBroken from error
