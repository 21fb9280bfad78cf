"""What hypothesis feeds the protocol: JSON values, namespaces, client frames, cuts of a stream."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from slysock_protocol.limits import RESERVED_EVENTS
from slysock_protocol.websocket import unmask

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
"""Any text that UTF-8 can carry."""

SCALARS: SearchStrategy[object] = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
_KEYS = TEXT.filter(lambda key: key != "_placeholder")


def _nested(leaves: SearchStrategy[object]) -> SearchStrategy[object]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
        max_leaves=10,
    )


JSON = _nested(SCALARS)
"""A JSON value as Python writes it: dicts with text keys, lists, scalars; no integer beyond 64 bits."""

JSON_WITH_BYTES = _nested(SCALARS | st.binary(max_size=6))
"""The same with bytes anywhere in it; more than a packet may have are rare but occur."""

NAMESPACES = st.just("/") | TEXT.map(lambda name: "/" + name.replace(",", "").replace("?", ""))
EVENT_NAMES = TEXT.filter(lambda name: name not in RESERVED_EVENTS)
ACK_IDS = st.none() | st.integers(0, 2**53 - 1)

_LENGTHS = (0, 1, 125, 126, 127, 300, 65535, 65536)
PAYLOADS = TEXT.map(str.encode) | st.binary(max_size=140) | st.sampled_from(_LENGTHS).map(lambda length: b"x" * length)
"""Payloads of frames: text, binary data, and each side of every border between two forms of the length."""


def frame(
    payload: bytes, *, first: int = 0x81, mask: bytes | None = b"\x01\x80\xfe\x7f", form: int | None = None
) -> bytes:
    """Build a client's frame; form 125, 126 or 127 says how the length is written, minimal when None."""
    length, flag = len(payload), 0 if mask is None else 0x80
    form = form or (125 if length < 126 else 126 if length < 65536 else 127)
    second = bytes((flag | (length if form == 125 else form),))
    extended = length.to_bytes({125: 0, 126: 2, 127: 8}[form]) if form != 125 else b""
    return bytes((first,)) + second + extended + (payload if mask is None else mask + unmask(payload, mask))


MASKS = st.binary(min_size=4, max_size=4)


def _frames(payloads: SearchStrategy[bytes], *firsts: int) -> SearchStrategy[bytes]:
    """Frames with a mask, their first byte one of those given."""
    return st.builds(frame, payloads, first=st.sampled_from(firsts), mask=MASKS)


HOT_FRAMES = _frames(PAYLOADS, 0x81, 0x82)
FRAGMENTS = _frames(PAYLOADS, 0x01, 0x02, 0x00, 0x80)
CONTROLS = _frames(st.binary(max_size=125), 0x89, 0x8A)


def _fragmented(opcode: int, pieces: list[bytes], control: bytes) -> bytes:
    """A message in fragments, a control frame (or nothing) after each but the last."""
    start, *middle, end = pieces
    frames = [frame(start, first=opcode), *(frame(piece, first=0x00) for piece in middle), frame(end, first=0x80)]
    return control.join(frames)


FRAGMENTED_MESSAGES = st.builds(
    _fragmented,
    st.sampled_from((0x01, 0x02)),
    st.lists(TEXT.map(str.encode), min_size=2, max_size=4),
    CONTROLS | st.just(b""),
)
ILLEGAL_FRAMES = (
    PAYLOADS.map(lambda payload: frame(payload, mask=None))
    | _frames(PAYLOADS, *range(256))
    | st.binary(max_size=140).map(lambda payload: frame(payload, form=127))
    | st.binary(max_size=125).map(lambda payload: frame(payload, form=126))
)

STREAMS = st.lists(
    HOT_FRAMES | FRAGMENTED_MESSAGES | CONTROLS | FRAGMENTS | ILLEGAL_FRAMES | st.binary(max_size=8), max_size=6
).map(b"".join)
"""What a client might send: mostly legal frames, sometimes not, sometimes cut off."""

LEGAL_STREAMS = st.lists(HOT_FRAMES | FRAGMENTED_MESSAGES | CONTROLS, max_size=6).map(b"".join)
"""Whole legal frames; only text that is not UTF-8 may be wrong with them."""


def cuts(data: bytes) -> SearchStrategy[list[bytes]]:
    """Cut a stream into pieces, as a network might."""
    return st.lists(st.integers(0, len(data)), max_size=8).map(
        lambda places: [
            data[start:end] for start, end in zip([0, *sorted(places)], [*sorted(places), len(data)], strict=True)
        ]
    )
