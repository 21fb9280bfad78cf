"""What a file is, by its first bytes: names and declared types are only what the client claims.

The table is short on purpose: what browsers and phones show. No format that can carry script (SVG, PDF, HTML) is in it.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, final

from msgspec import Struct

MediaType: TypeAlias = Literal["image", "video"]

HEAD_BYTES: Final = 4096
"""How much of a file decides. A signature is in the first dozen bytes, the brands of an MP4 and the document type of a
WebM in the first hundreds; a file that is shorter is judged by what there is."""

BRAND_BYTES: Final = 4


@final
class MediaKind(Struct, frozen=True):
    """A format."""

    type: MediaType
    mime: str
    extension: str
    """Without the dot; from this table, never the client's."""


JPEG: Final = MediaKind("image", "image/jpeg", "jpg")
PNG: Final = MediaKind("image", "image/png", "png")
GIF: Final = MediaKind("image", "image/gif", "gif")
WEBP: Final = MediaKind("image", "image/webp", "webp")
HEIC: Final = MediaKind("image", "image/heic", "heic")
HEIF: Final = MediaKind("image", "image/heif", "heif")
AVIF: Final = MediaKind("image", "image/avif", "avif")
MP4: Final = MediaKind("video", "video/mp4", "mp4")
QUICKTIME: Final = MediaKind("video", "video/quicktime", "mov")
MOBILE: Final = MediaKind("video", "video/3gpp", "3gp")
WEBM: Final = MediaKind("video", "video/webm", "webm")
MATROSKA: Final = MediaKind("video", "video/x-matroska", "mkv")
AVI: Final = MediaKind("video", "video/x-msvideo", "avi")

KINDS: Final = (JPEG, PNG, GIF, WEBP, HEIC, HEIF, AVIF, MP4, QUICKTIME, MOBILE, WEBM, MATROSKA, AVI)

# The WHATWG MIME Sniffing Standard, section 6.1 (image patterns), has these four.
_SIGNATURES: Final = (
    (b"\xff\xd8\xff", JPEG),  # ITU T.81 annex B: SOI, then the first byte of any marker
    (b"\x89PNG\r\n\x1a\n", PNG),  # PNG specification (third edition), section 5.2
    (b"GIF87a", GIF),  # GIF89a specification, section 17: the header's signature and version
    (b"GIF89a", GIF),
)

# RIFF: four letters, the length, the form type. RFC 9649 section 2.4 for WebP; Microsoft's AVI RIFF reference for AVI.
_RIFF_FORMS: Final[Mapping[bytes, MediaKind]] = {b"WEBP": WEBP, b"AVI ": AVI}

# ISO/IEC 14496-12, section 4.3: the box `ftyp` names the file's brands; mp4ra.org registers them. Brands of audio alone
# are below.
_BRANDS: Final[Mapping[bytes, MediaKind]] = {
    # Still images; ISO/IEC 23008-12 (HEIF) annex B, AV1 Image File Format section 6
    b"avif": AVIF,
    b"avis": AVIF,
    b"heic": HEIC,
    b"heix": HEIC,
    b"heim": HEIC,
    b"heis": HEIC,
    b"hevc": HEIC,
    b"hevx": HEIC,
    b"mif1": HEIF,
    b"msf1": HEIF,
    # Videos
    b"qt  ": QUICKTIME,
    b"isom": MP4,
    b"iso2": MP4,
    b"iso3": MP4,
    b"iso4": MP4,
    b"iso5": MP4,
    b"iso6": MP4,
    b"mp41": MP4,
    b"mp42": MP4,
    b"mp71": MP4,
    b"avc1": MP4,
    b"hvc1": MP4,
    b"dash": MP4,
    b"mmp4": MP4,
    b"M4V ": MP4,
    b"M4VH": MP4,
    b"M4VP": MP4,
    b"MSNV": MP4,
    b"3gp4": MOBILE,
    b"3gp5": MOBILE,
    b"3gp6": MOBILE,
    b"3gp7": MOBILE,
    b"3ge6": MOBILE,
    b"3ge7": MOBILE,
    b"3gg6": MOBILE,
    b"3gs7": MOBILE,
}
_GENERIC_BRANDS: Final = frozenset({b"mif1", b"msf1"})
"""Say that it is a HEIF file, and not how its images are coded; the compatible brands tell."""

_AUDIO_BRANDS: Final = frozenset({b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "})

# QuickTime files from before `ftyp` begin with one of these atoms (QuickTime File Format Specification, "Atoms").
_QUICKTIME_ATOMS: Final = frozenset({b"moov", b"mdat", b"wide"})

# RFC 8794, section 11.2: an EBML header, whose element DocType (0x4282) names the format: RFC 9559 and the WebM
# container guidelines. Its length may be written in one byte or in eight.
_EBML: Final = b"\x1aE\xdf\xa3"
_DOCUMENT_TYPES: Final = ((b"webm", WEBM), (b"matroska", MATROSKA))
_DOCUMENT_TYPE_ELEMENT: Final = b"\x42\x82"
_DOCUMENT_TYPE_BYTES: Final = 16


def kind_of(head: bytes) -> MediaKind | None:
    """Return what a file is.

    Args:
        head: its first `HEAD_BYTES`, or all of it if it is shorter.

    Returns:
        None for what is not in the table.
    """
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head.startswith(b"RIFF"):
        return _RIFF_FORMS.get(head[8:12])
    if head.startswith(_EBML):
        _, _, rest = head.partition(_DOCUMENT_TYPE_ELEMENT)
        return next((kind for name, kind in _DOCUMENT_TYPES if name in rest[:_DOCUMENT_TYPE_BYTES]), None)
    if head[4:8] == b"ftyp":
        return _kind_of_brands(head)
    return QUICKTIME if head[4:8] in _QUICKTIME_ATOMS else None


def _kind_of_brands(head: bytes) -> MediaKind | None:
    """Decide by the major brand; if that says little or is unknown, by the first compatible one that says more."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    major = head[8:12]
    compatible = [head[start : start + BRAND_BYTES] for start in range(16, end - BRAND_BYTES + 1, BRAND_BYTES)]
    if major in _AUDIO_BRANDS:
        return None
    if major in _BRANDS and major not in _GENERIC_BRANDS:
        return _BRANDS[major]
    telling = (_BRANDS[brand] for brand in compatible if brand in _BRANDS and brand not in _GENERIC_BRANDS)
    return next(telling, _BRANDS.get(major))
