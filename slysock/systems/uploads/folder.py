"""The folder of uploaded files: they are written as they come, and in the end are complete or gone.

Nothing here knows who may see a file.
"""

import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias, TypeVar, final

import trio

from slysock.systems.domain import DomainError, Unavailable
from slysock.systems.system import SystemUnusable

from . import disk
from .disk import MediaName, StoredFile, translated_disk_errors
from .errors import BadForm, FolderBroken, NoRoom, NotMedia, TooManyUploads
from .form import MAX_OVERHEAD_BYTES, FormLimits, read_form
from .kinds import HEAD_BYTES, MediaKind, kind_of

logger = logging.getLogger("slysock.systems")

PIECE_BYTES: Final = 262_144
"""How much is written or read at once: one hop to a thread for sixteen pieces of a request's body."""

MAX_UPLOADS_PER_USER: Final = 4
CLEANUP_SECONDS: Final = 10.0
"""How long the removal of an unwanted file may hold up the end of its request; the sweep does the rest."""

SWEEP_SECONDS: Final = 3600.0
STALE_SECONDS: Final = 3600.0
"""Nobody takes so long from one piece on the disk to the next: the server's `request_body_seconds` come before that."""

DOUBT_SECONDS: Final = 300.0
"""A file is in doubt while its message is being stored or deleted, which takes half a minute at most."""

DISK_THREADS: Final = 8
"""A slow disk takes no more threads than these."""

T = TypeVar("T")

IsNeeded: TypeAlias = Callable[[MediaName, str], Awaitable[bool | None]]
"""Decides about a complete file that a killed server has left in doubt, by its name and note; None: not ours to say."""


def allow_any_size(size: int) -> None:
    """Allow a file of any size."""


@final
class MediaFolder:
    """Uploaded files.

    Args:
        path: where it is; created when first needed, with mode 0700, and used by nobody else.
        max_file_bytes: the largest file that is accepted.
        min_free_bytes: with less than this free on the disk, nothing is accepted.
        open_new: creates a file for writing, unbuffered.

    Attributes:
        free_bytes: what was free on the disk when that was last looked at; None if nothing could be put there.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_file_bytes: int,
        min_free_bytes: int = 0,
        open_new: Callable[[Path], BinaryIO] = disk.open_new,
    ) -> None:
        self.path = path
        self.max_file_bytes = max_file_bytes
        self.free_bytes: int | None = None
        self._min_free_bytes = min_free_bytes
        self._open_new = open_new
        self._under_way = Counter[str]()  # owner -> uploads; never 0
        self._threads = trio.CapacityLimiter(DISK_THREADS)

    def limits(self, file_field: str) -> FormLimits:
        """Return the limits of a form with a file for this folder."""
        return FormLimits(file_field=file_field, max_file_bytes=self.max_file_bytes)

    def prepare(self) -> None:
        """Make the folder and see that it can be used; blocks, as it is for the time before anything is served.

        Raises:
            SystemUnusable: it cannot.
        """
        try:
            disk.prepare(self.path)
        except OSError as error:
            raise SystemUnusable(f"uploads cannot be kept in {self.path} (media_path): {error.strerror}") from error

    async def has_room(self) -> bool:
        """Tell whether files are accepted."""
        await self.measure()
        return self._has_room(0)

    async def measure(self) -> None:
        """Look at what is free on the disk."""
        self.free_bytes = await self.block(partial(disk.free_bytes, self.path))

    def _has_room(self, more_bytes: int) -> bool:
        return self.free_bytes is not None and self.free_bytes - more_bytes >= self._min_free_bytes

    async def run(self, is_needed: IsNeeded) -> None:
        """Remove, now and then until cancelled, what a killed server has left behind."""
        while True:
            try:
                await self.sweep(is_needed)
            except (OSError, DomainError):
                logger.exception("what was left of uploads could not be removed")
            await trio.sleep(SWEEP_SECONDS)

    async def sweep(self, is_needed: IsNeeded) -> None:
        """Remove partial files that nobody writes to any more, and complete ones in doubt that are not needed.

        Raises:
            OSError: some could not be removed.
            DomainError: it could not be decided about some.
        """
        await self.block(partial(disk.sweep, self.path, STALE_SECONDS))
        for name, note in await self.block(partial(disk.doubts, self.path, DOUBT_SECONDS)):
            await self._decide(name, await is_needed(name, note))

    async def _decide(self, name: MediaName, needed: bool | None) -> None:
        if needed is None:
            logger.warning("a file of uploads belongs to another store, and stays: %s", name)
            return
        if not needed:
            logger.info("a file of uploads that nothing refers to is removed: %s", name)
            await self.remove(name)
        await self.block(partial(disk.forget_doubt, self.path, name))

    @asynccontextmanager
    async def in_doubt(self, name: MediaName, note: str) -> AsyncGenerator[None, None]:
        """Hold a complete file in doubt for the block: if the server is killed in it, `run` decides about the file.

        Likewise if it is not known what the block has done. That the disk is full is no reason not to enter.
        """
        with suppress(OSError):
            await self.block(partial(disk.note_doubt, self.path, name, note))
        refusal: DomainError | None = None
        try:
            yield
        except DomainError as error:
            if isinstance(error, Unavailable):
                raise
            refusal = error
        with suppress(OSError):
            await self.block(partial(disk.forget_doubt, self.path, name))
        if refusal is not None:
            raise refusal

    @asynccontextmanager
    async def receive(
        self,
        body: AsyncIterator[bytes],
        boundary: str,
        *,
        file_field: str,
        owner: str,
        expected_bytes: int = 0,
        allow: Callable[[int], None] = allow_any_size,
    ) -> AsyncGenerator["Upload", None]:
        """Receive a form whose file goes into this folder.

        The block decides: unless it calls `keep` and `want`, nothing is left of the file, however the block ends.

        Args:
            body: the pieces of the request's body, with its deadlines.
            boundary: from its Content-Type.
            file_field: the field with the file.
            owner: who sends it, for the limit on how many may be under way.
            expected_bytes: what the body is said to hold.
            allow: called with what is known of the file's size, ever more; raises an UploadError if that is too much.

        Raises:
            UploadError: what is wrong; nothing of the file is left then.
        """
        with self._counted(owner):
            expected_file_bytes = max(0, expected_bytes - MAX_OVERHEAD_BYTES)
            allow(expected_file_bytes)
            upload = await self._begin(expected_file_bytes, allow)
            try:
                upload.fields = await read_form(body, boundary, self.limits(file_field), upload.take)
                yield upload
            finally:
                with trio.move_on_after(CLEANUP_SECONDS, shield=True):
                    await upload.discard_unwanted()

    async def _begin(self, expected_file_bytes: int, allow: Callable[[int], None]) -> "Upload":
        with translated_disk_errors():
            await self.measure()
            self.refuse_full(expected_file_bytes)
            part = await self.block(partial(disk.begin, self.path))
            return Upload(self, part, await self.block(partial(self._open_new, part)), allow)

    def refuse_full(self, more_bytes: int = 0) -> None:
        """Refuse a file while the disk has less room than is kept free.

        Raises:
            NoRoom: it has, or would have with so many bytes more.
        """
        if self.free_bytes is not None and not self._has_room(more_bytes):
            raise NoRoom

    async def write(self, file: BinaryIO, data: bytes) -> None:
        """Write to a file of this folder.

        Raises:
            OSError: it cannot be written.
            NoRoom: the disk has less room than is kept free.
        """

        def write_and_look() -> int | None:
            disk.write_all(file, data)
            return disk.free_bytes(self.path)

        self.free_bytes = await self.block(write_and_look)
        self.refuse_full()

    async def remove(self, name: MediaName) -> None:
        """Remove a file; do nothing if it does not exist."""
        with translated_disk_errors():
            await self.block(partial((self.path / name).unlink, missing_ok=True))

    async def open(self, name: MediaName) -> StoredFile:
        """Open a file for reading. The caller closes it.

        Raises:
            FileNotFoundError: there is none.
            FolderBroken: it cannot be read.
        """
        try:
            return await self.block(partial(disk.open_whole, self.path / name))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise FolderBroken from error

    async def block(self, call: Callable[[], T]) -> T:
        """Make a blocking call in a thread; wait for it even if cancelled."""
        return await trio.to_thread.run_sync(call, limiter=self._threads)

    @contextmanager
    def _counted(self, owner: str) -> Generator[None]:
        if self._under_way[owner] >= MAX_UPLOADS_PER_USER:
            raise TooManyUploads
        self._under_way[owner] += 1
        try:
            yield
        finally:
            self._under_way[owner] -= 1
            if not self._under_way[owner]:
                del self._under_way[owner]


@final
class Upload:
    """A file that is arriving, or has arrived.

    Attributes:
        fields: the small fields of the form; empty until it is complete.
        size: the bytes of the file so far.
    """

    def __init__(self, folder: MediaFolder, part: Path, file: BinaryIO, allow: Callable[[int], None]) -> None:
        self.fields: Mapping[str, str] = {}
        self.size = 0
        self._folder = folder
        self._allow = allow
        self._name: MediaName | None = None
        self._path = part
        self._file = file
        self._kind: MediaKind | None = None
        self._pending = bytearray()  # not written yet
        self._is_wanted = False
        self._is_in_doubt = False

    @property
    def kind(self) -> MediaKind:
        """The kind of the file."""
        assert self._kind is not None, "known since the file has come whole"
        return self._kind

    async def take(self, data: bytes) -> None:
        """Take a piece of the file; `b""` is its end.

        Raises:
            NotMedia: by its beginning, it is neither an image nor a video.
            NoRoom, FolderBroken: it cannot be written.
            UploadError: see `MediaFolder.receive`, about `allow`.
        """
        self._pending += data
        self.size += len(data)
        self._allow(self.size)
        if self._kind is None and (not data or len(self._pending) >= HEAD_BYTES):
            self._kind = kind_of(bytes(self._pending[:HEAD_BYTES]))
            if self._kind is None:
                raise NotMedia
        if self._pending and (not data or len(self._pending) >= PIECE_BYTES):
            piece, self._pending = bytes(self._pending), bytearray()
            with translated_disk_errors():
                await self._folder.write(self._file, piece)

    async def keep(self, note: str = "") -> MediaName:
        """Move the file to its name, durably. It is still removed unless `want` or `leave_in_doubt` is called.

        Args:
            note: about the file, for `MediaFolder.run` to decide about it if the server is killed before either.
        """
        if self._kind is None:
            raise BadForm("The form is not complete")
        self._name = name = disk.make_name(self.kind)
        part, whole = self._path, self._folder.path / name
        with translated_disk_errors():
            await self._folder.block(partial(disk.note_doubt, self._folder.path, name, note))
            await self._folder.block(partial(disk.settle, self._file, part, whole))
        self._path = whole
        return name

    def want(self) -> None:
        """Note that something refers to the file now, so that it must stay."""
        self._is_wanted = True

    def leave_in_doubt(self) -> None:
        """Note that it is not known whether something refers to the file: it stays until `MediaFolder.run` decides."""
        self._is_in_doubt = True

    async def discard_unwanted(self) -> None:
        """Close the file and, unless it is wanted, remove it. A caller that is cancelled leaves that to a thread."""
        try:
            await trio.to_thread.run_sync(self._close, abandon_on_cancel=True)
        except OSError:
            logger.exception("an unwanted upload could not be removed")

    def _close(self) -> None:
        self._file.close()
        if self._is_in_doubt:
            return
        if not self._is_wanted:
            self._path.unlink(missing_ok=True)
        if self._name is not None:
            disk.forget_doubt(self._folder.path, self._name)
