"""The fast lane: the frames that nearly all traffic consists of, taken straight from the bytes of a client.

A data frame is hot: text, binary or a continuation, no reserved bits, masked, its length in the shortest form. Hot
frames are unmasked here, put together where a message comes in fragments, and given to the session. All others are
cold: control frames and illegal ones go on, byte for byte, to a complete WebSocket implementation, which answers them.
The lane only follows the headers of cold frames, so that it knows where the next frame begins; after a frame that ends
the connection everything is cold.

The limits of a message hold by what the headers of its frames announce.

Source: RFC 6455, sections 5.2 (framing) and 5.4 (fragmentation).
"""

import sys
from enum import Enum
from typing import Final, final

import msgspec

from slysock_protocol.errors import CloseCode, RemoteProtocolError
from slysock_protocol.limits import FULL_FRAGMENT_BYTES, MAX_FRAGMENTS

from .frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT

_FINAL: Final = 0x80
_MASKED: Final = 0x80
_SHORT_HEAD: Final = 6  # bytes: two, and the mask
_SHORT: Final = 125  # the longest length that fits the header's second byte, and the most of a control frame
_HOT_TEXT: Final = _FINAL | TEXT
_HOT_BINARY: Final = _FINAL | BINARY
_DATA: Final = frozenset({TEXT, BINARY, CONTINUATION, _HOT_TEXT, _HOT_BINARY, _FINAL | CONTINUATION})
_HARMLESS: Final = (_FINAL | PING, _FINAL | PONG)  # control frames that leave the connection open
_MAX_WASTE_BYTES: Final = MAX_FRAGMENTS * FULL_FRAGMENT_BYTES
_integer: Final = int.from_bytes


class Kind(Enum):
    """What an item of the lane is."""

    TEXT = "text"
    """A whole text message, unmasked, valid UTF-8."""
    BINARY = "binary"
    """A whole binary message, unmasked."""
    COLD = "cold"
    """Bytes for the complete implementation."""


@final
class Item(msgspec.Struct, frozen=True, gc=False):
    """One thing that the lane found, in the order of the wire."""

    kind: Kind
    data: bytes


@final
class FrameReader:
    """Split what a client sends into hot messages and cold bytes. One per connection.

    Bounds: between calls it holds at most one incomplete message, that is less than `max_message_bytes` and a header,
    however small the pieces and the fragments were in which it came; and what was `left` of the last piece.

    Attributes:
        error: set when the client broke a rule that is checked here. The items that `feed` returned come before it;
            nothing after it counts, and the connection must be closed.
        goodbye: the client has sent a close frame, legal or not, even after a frame that ends the connection. It sends
            nothing more (RFC 6455, section 5.5.1), so there is nothing to wait for.
    """

    __slots__ = (
        "_between",
        "_closing",
        "_cold_left",
        "_held",
        "_left",
        "_left_from",
        "_max_message_bytes",
        "_message",
        "_missing",
        "_open",
        "_over",
        "_passing",
        "_short_frame_bytes",
        "_waste_bytes",
        "error",
        "goodbye",
    )

    def __init__(self, max_message_bytes: int) -> None:
        self.error: RemoteProtocolError | None = None
        self.goodbye = False
        self._closing = False  # the frame that is being skipped is a close frame
        self._max_message_bytes = max_message_bytes
        self._short_frame_bytes = _SHORT_HEAD + min(_SHORT, max_message_bytes)
        self._held = bytearray()  # the beginning of an incomplete frame
        self._missing = 0  # bytes that _held must have before it is worth looking again
        self._left = b""  # a piece with frames that nobody has asked for yet,
        self._left_from = 0  # from here on
        self._cold_left = 0  # bytes of the current cold frame that are still to pass
        self._open: Kind | None = None  # of the message whose fragments are coming
        self._message = bytearray()  # those that have come
        self._waste_bytes = 0  # what they lack, together, to be of a decent size
        self._passing = False  # nothing more is looked at: the implementation ends the connection
        self._over = False  # what comes does not count any more
        self._between = True  # none of the above applies: what comes next is the beginning of a message

    @property
    def in_message(self) -> bool:
        """Whether the bytes so far end in the middle of a message, as far as they have been looked at."""
        return not (self._between or self._left)

    @property
    def left(self) -> bool:
        """Whether there is more in what was fed: to be asked for by `go_on` before anything else is fed."""
        return bool(self._left)

    def one_text(self, data: bytes) -> bytes | None:
        """Return the text, if the next bytes are one short text message and nothing else, as nearly all are.

        None means: `feed` them. A shortcut, worth 0.4 µs of an echo's 10.
        """
        size = len(data)
        if (
            self._between
            and _SHORT_HEAD < size <= self._short_frame_bytes
            and data[0] == _HOT_TEXT
            and data[1] == size + (_MASKED - _SHORT_HEAD)
        ):
            text = unmask(data[_SHORT_HEAD:], data[2:_SHORT_HEAD])
            if text.isascii():
                return text
        return None

    def feed(self, data: bytes, most_frames: int = sys.maxsize) -> list[Item]:
        """Take the next bytes of the client and return what is complete.

        Args:
            data: the bytes. Not while something is `left`.
            most_frames: how many are looked at; the others are `left`.
        """
        if self._over:
            items = [Item(Kind.COLD, data)] if self._passing else []
            self._seek_goodbye(bytes(self._held) + data, 0, most_frames)
            return items
        if self._held:
            self._held += data
            if len(self._held) < self._missing:
                return []
            data = bytes(self._held)
            self._held.clear()
        return self._look(data, 0, most_frames)

    def go_on(self, most_frames: int) -> list[Item]:
        """Return more of what was `left`. Nothing is copied or looked at twice, however many calls it takes."""
        data, self._left = self._left, b""
        if self._over:
            self._seek_goodbye(data, self._left_from, most_frames)
            return []
        return self._look(data, self._left_from, most_frames)

    def _look(self, data: bytes, position: int, most_frames: int) -> list[Item]:
        """Take frames from the position on; keep what is incomplete, and what is left."""
        items: list[Item] = []
        start, size = position, len(data)
        try:
            while position < size and most_frames:
                start, end = position, self._take(data, position, items)
                if end == position:
                    self._held += data[position:]
                    break
                position = end
                most_frames -= 1
            else:
                if position < size:
                    self._left, self._left_from = data, position
        except RemoteProtocolError as error:
            self.error = error.with_traceback(None)  # it holds frames, which hold this
        self._over = self._passing or self.error is not None
        if self._over:
            self._cold_left = 0
            self._message.clear()
            self._seek_goodbye(data, start, most_frames)  # the frame itself may be one
        self._between = not (self._held or self._cold_left or self._open or self._over or self._left)
        return items

    def _take(self, data: bytes, position: int, items: list[Item]) -> int:
        """Take the frame, or the rest of one, that starts at position; return its end, or position if incomplete."""
        if self._cold_left:
            return self._pass(data, position, position, items)
        first = data[position]
        head: tuple[int, int, bool] | None
        if position + _SHORT_HEAD <= len(data) and _MASKED <= data[position + 1] <= _MASKED + _SHORT:
            head = position + _SHORT_HEAD, data[position + 1] - _MASKED, True  # most frames: worth a call less
        else:
            head = _read_head(data, position)
        if head is None:
            self._missing = len(data) - position + 1
            return position
        start, length, legal = head
        if not legal or first not in _DATA:
            self._follow(first, length, legal=legal)
            return self._pass(data, position, start, items)
        if length + len(self._message) > self._max_message_bytes:
            raise _too_big()
        end = start + length
        if end > len(data):
            self._missing = end - position
            return position
        payload = unmask(data[start:end], data[start - 4 : start])
        if self._open is not None or (first != _HOT_TEXT and first != _HOT_BINARY):
            self._take_fragment(first, payload, items)
        elif first == _HOT_BINARY:
            items.append(Item(Kind.BINARY, payload))
        else:
            items.append(_text(payload))
        return end

    def _take_fragment(self, first: int, payload: bytes, items: list[Item]) -> None:
        """Put a fragment to those before it (section 5.4)."""
        if (first & ~_FINAL == CONTINUATION) is (self._open is None):
            raise RemoteProtocolError("illegal frame")  # continues nothing, or begins while another message is open
        if self._open is None:
            self._open = Kind.TEXT if first == TEXT else Kind.BINARY
        self._message += payload
        if first < _FINAL:
            self._waste_bytes += max(0, FULL_FRAGMENT_BYTES - len(payload))
            if self._waste_bytes > _MAX_WASTE_BYTES:
                raise RemoteProtocolError("too many fragments", CloseCode.POLICY)
        else:
            message, kind = bytes(self._message), self._open
            self._message.clear()
            self._open, self._waste_bytes = None, 0
            items.append(_text(message) if kind is Kind.TEXT else Item(kind, message))

    def _pass(self, data: bytes, position: int, payload: int, items: list[Item]) -> int:
        """Pass on what is there of a cold frame, from position on; its payload, or the rest of it, is at `payload`."""
        if self._passing:
            items.append(Item(Kind.COLD, data[position:]))
            return len(data)
        end = min(payload + self._cold_left, len(data))
        self._cold_left -= end - payload
        items.append(Item(Kind.COLD, data[position:end]))
        return end

    def _follow(self, first: int, length: int, *, legal: bool) -> None:
        """Find where a cold frame ends; nothing counts behind one that ends the connection."""
        self._cold_left = length
        # A close frame, or one that the implementation answers by closing.
        self._passing = not legal or first not in _HARMLESS or length > _SHORT

    def _seek_goodbye(self, data: bytes, position: int, most_frames: int) -> None:
        """Follow the headers of frames that do not count any more until one is a close frame; keep at most a header."""
        self._held.clear()
        size = len(data)
        while position < size and not self.goodbye:
            if not most_frames:
                self._left, self._left_from = data, position
                return
            most_frames -= 1
            if not self._cold_left:
                head = _read_head(data, position)
                if head is None:
                    self._held += data[position:]
                    return
                self._closing = data[position] & 0x0F == CLOSE
                position, self._cold_left, _ = head
            skipped = min(self._cold_left, size - position)
            position += skipped
            self._cold_left -= skipped
            self.goodbye = self._closing and not self._cold_left


def _text(payload: bytes) -> Item:
    """Make an item of a text message.

    Raises:
        RemoteProtocolError: it is not UTF-8.
    """
    if not (payload.isascii() or _is_utf8(payload)):
        raise RemoteProtocolError("text that is not UTF-8", CloseCode.NOT_UTF8)
    return Item(Kind.TEXT, payload)


def _read_head(data: bytes, position: int) -> tuple[int, int, bool] | None:
    """Read the rest of a frame's header: where the payload starts, its length, legal or not. None: not complete.

    Legal is a frame with a mask and with its length in the shortest form (section 5.2: "the minimal number of bytes
    MUST be used").
    """
    size = len(data)
    if size - position < 2:
        return None
    second = data[position + 1]
    masked, length, start = second >= _MASKED, second & 0x7F, position + 2
    shortest = True
    if length > _SHORT:
        start += 2 if length == 126 else 8
        floor = _SHORT if length == 126 else 0xFFFF
        length = _integer(data[position + 2 : start])
        shortest = length > floor
    if masked:
        start += 4
    return (start, length, masked and shortest) if start <= size else None


def unmask(payload: bytes, mask: bytes) -> bytes:
    """Take the mask off a payload (RFC 6455, section 5.3); also puts it on. One big XOR, not a loop."""
    size = len(payload)
    key = (mask * ((size + 3) >> 2))[:size]
    return (_integer(payload) ^ _integer(key)).to_bytes(size)


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _too_big() -> RemoteProtocolError:
    return RemoteProtocolError("message too big", CloseCode.TOO_BIG)
