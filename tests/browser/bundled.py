"""The Chromium inside the npm package that package.json names: a headless one, for Linux on x86-64.

It is compressed there, by Brotli, beside the libraries that it needs and that not every machine has. What is unpacked
(210 MB, in a second or two) stays in node_modules, and goes with it.
"""

import os
import platform
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, final

import msgspec

from tests.clients.runtime import CLIENTS_FOLDER, node_program

PACKAGE: Final = CLIENTS_FOLDER / "node_modules" / "@sparticuz" / "chromium"
UNPACKED: Final = CLIENTS_FOLDER / "node_modules" / ".cache"

# Python has no Brotli, Node has.
_UNPACK: Final = 'process.stdin.pipe(require("zlib").createBrotliDecompress()).pipe(process.stdout)'
_UNPACK_SECONDS: Final = 120.0


@final
class _Manifest(msgspec.Struct, frozen=True):
    version: str


def bundled_browser() -> tuple[Path, Path]:
    """Unpack the browser unless that has been done; give its program and the folder of its libraries.

    Raises:
        LookupError: it is not installed, or not for this machine.
    """
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise LookupError("that of `make test` is for Linux on x86-64")
    try:
        manifest = msgspec.json.decode((PACKAGE / "package.json").read_bytes(), type=_Manifest)
    except FileNotFoundError:
        raise LookupError("`make test` has not installed its own yet") from None
    folder = UNPACKED / f"chromium-{manifest.version}"
    if not folder.is_dir():
        _unpack_into(folder)
    return folder / "chromium", folder / "lib"


def _unpack_into(folder: Path) -> None:
    """Make the folder, whole or not at all."""
    folder.parent.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix="unpacking-") as name:
        staging = Path(name) / folder.name
        staging.mkdir()
        _decompress(PACKAGE / "bin" / "chromium.br", staging / "chromium")
        (staging / "chromium").chmod(0o755)
        _decompress(PACKAGE / "bin" / "al2023.tar.br", Path(name) / "lib.tar")
        _extract(Path(name) / "lib.tar", staging / "lib")
        try:
            os.rename(staging, folder)
        except OSError:
            if not folder.is_dir():  # otherwise another run was faster
                raise


def _decompress(packed: Path, unpacked: Path) -> None:
    with packed.open("rb") as source, unpacked.open("wb") as target:
        command = [node_program(), "-e", _UNPACK]
        subprocess.run(command, stdin=source, stdout=target, check=True, timeout=_UNPACK_SECONDS)


def _extract(archive: Path, folder: Path) -> None:
    folder.mkdir()
    with tarfile.open(archive) as members:
        for member in members:
            content = members.extractfile(member)
            if content is not None:  # a file
                (folder / Path(member.name).name).write_bytes(content.read())
