"""JSON; no other module knows which library does it.

Decoding is msgspec (typed, straight from bytes); encoding is orjson, measured the faster of the two and the only one
whose default hook meets `bytes`, so that one pass both encodes and notices binary data (0.08 µs for a small event,
against 0.8 µs for a scan in Python before msgspec).

A value that holds bytes, or an integer beyond 64 bits, takes the slow path: attachments are cut out, the rest is
encoded by msgspec. Both paths write the same text for the same value: what the two libraries see differently
(dataclasses, UTC) is left to msgspec or set to its form.
"""

import re
from typing import Final, TypeGuard, TypeVar, cast

import msgspec
import orjson

from .errors import LocalProtocolError, RemoteProtocolError
from .limits import MAX_ATTACHMENTS, MAX_DEPTH, MAX_PLACEHOLDER_DEPTH

_BINARY: Final = (bytes, bytearray, memoryview)
_OPTIONS: Final = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_UTC_Z
_LONE_SURROGATE: Final = re.compile(
    rb"(?<!\\)((?:\\\\)*)"  # an even number of backslashes, so that the next one starts an escape
    rb"(?:(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_SHORT_BYTES: Final = 2 * MAX_DEPTH  # no text of this size is nested deeper
_BRACKETS: Final = 32  # of which only the sum is looked at
_AS_SQUARE: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*\\?(?:"|\Z)')  # one that is cut off, too
_ENCODERS_DEPTH: Final = 254  # what orjson writes at most
_BEGINNING_BYTES: Final = 16_384
_T = TypeVar("_T")

_any_decoder: Final = msgspec.json.Decoder()
_slow_encoder: Final = msgspec.json.Encoder()
_keys_decoder: Final = msgspec.json.Decoder(dict[str, None])


def is_object(value: object) -> TypeGuard[dict[str, object]]:
    """Tell whether a decoded value is a JSON object, whose keys are always text."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[object]]:
    """Tell whether a decoded value is a JSON array."""
    return isinstance(value, list)


def _is_binary(value: object) -> "TypeGuard[bytes | bytearray | memoryview[int]]":
    return isinstance(value, _BINARY)


def _is_sequence(value: object) -> TypeGuard[list[object] | tuple[object, ...]]:
    return isinstance(value, list | tuple)


def _is_nested(value: object) -> bool:
    return isinstance(value, dict | list)


def encode(value: object) -> tuple[bytes, list[bytes]]:
    """Encode a value; bytes anywhere in it become placeholders.

    Returns:
        The JSON text in UTF-8, and the attachments in the order of their placeholder numbers.

    Raises:
        LocalProtocolError: the value holds something that JSON cannot carry.
    """
    try:
        return orjson.dumps(value, _plain, _OPTIONS), []
    except TypeError:
        return _encode_slowly(value)


def _plain(value: object) -> object:
    """Turn what orjson does not know into what it knows; bytes are refused here and lead to the slow path."""
    if _is_binary(value):
        raise TypeError("binary")
    return _to_builtins(value)


def to_plain(value: object) -> object:
    """Reduce a value to dicts with text keys, lists, tuples, text, numbers, booleans, None and bytes.

    Raises:
        LocalProtocolError: the value holds something that cannot be sent.
    """
    try:
        plain: object = msgspec.to_builtins(value, builtin_types=_BINARY, str_keys=True, enc_hook=_of_subclass)
    except (TypeError, ValueError, RecursionError):  # maybe for the sake of a key that JSON writes and msgspec does not
        return _with_text_keys(_to_builtins(value))
    return plain


def _to_builtins(value: object) -> object:
    """Reduce a value as `to_plain` does, but leave keys as they are.

    Raises:
        LocalProtocolError: the value holds something that cannot be sent.
    """
    try:
        try:
            plain: object = msgspec.to_builtins(value, builtin_types=_BINARY, enc_hook=_of_subclass)
        except TypeError:  # no hook is asked about keys: those of a subclass of int are done here
            plain = msgspec.to_builtins(_with_text_keys(value), builtin_types=_BINARY, enc_hook=_of_subclass)
    except (TypeError, ValueError, RecursionError) as error:
        raise LocalProtocolError(f"cannot be sent: {error}") from error
    return plain


def _with_text_keys(value: object) -> object:
    """Turn the keys of dicts into text, at any depth of plain containers."""
    if isinstance(value, dict):
        return {_key_text(key): _with_text_keys(item) for key, item in cast("dict[object, object]", value).items()}
    if _is_sequence(value):
        return [_with_text_keys(item) for item in value]
    return value


def _key_text(key: object) -> str:
    """Return a key as text, the same as in a value without bytes: true, null, 1e-7.

    Raises:
        LocalProtocolError: its type cannot be that of a key.
    """
    if type(key) is str:
        return key
    try:
        (text,) = _keys_decoder.decode(orjson.dumps({key: None}, None, _OPTIONS))
    except TypeError:  # it knows fewer types than msgspec; those that both do not know are refused
        try:
            (text,) = msgspec.to_builtins({key: None}, builtin_types=_BINARY, str_keys=True)
        except TypeError as error:
            raise LocalProtocolError(f"cannot be sent: {error}") from error
    return text


def _of_subclass(value: object) -> object:
    """Reduce an instance of a subclass, as orjson does by itself; of these msgspec knows only enums."""
    match value:
        case str():
            return str.__str__(value)
        case int():
            return int.__int__(value)
        case float():
            return float.__float__(value)
        case _:
            raise TypeError(f"a value of type {type(value).__name__}")


def _encode_slowly(value: object) -> tuple[bytes, list[bytes]]:
    attachments: list[bytes] = []
    rest = _cut(_to_builtins(value), attachments, 0)
    try:
        return _slow_encoder.encode(rest), attachments
    except ValueError as error:  # a lone surrogate, or an integer of thousands of digits
        raise LocalProtocolError(f"cannot be sent as JSON: {error}") from error


def _cut(value: object, attachments: list[bytes], depth: int) -> object:
    """Return the value with a placeholder for every attachment (Socket.IO protocol v5, "Binary event")."""
    if depth > MAX_PLACEHOLDER_DEPTH:
        raise LocalProtocolError("cannot be sent as JSON: nested too deep")
    if _is_binary(value):
        attachments.append(bytes(value))
        return {"_placeholder": True, "num": len(attachments) - 1}
    if is_object(value):
        if value.get("_placeholder") is True:
            # Passed on, it would take the place of an attachment, and one with a wrong number makes clients hang up.
            raise LocalProtocolError("cannot be sent as JSON: an object with _placeholder: true, which is reserved")
        return {_key_text(key): _cut(item, attachments, depth + 1) for key, item in value.items()}
    if _is_sequence(value):
        return [_cut(item, attachments, depth + 1) for item in value]
    return value


def decode(text: bytes) -> object:
    """Decode any JSON text.

    Raises:
        RemoteProtocolError: not JSON, not UTF-8, a number that no float can hold, or nested too deep to be read.
    """
    try:
        return decode_as(_any_decoder, text)
    except msgspec.ValidationError:
        raise RemoteProtocolError("JSON number out of range") from None


def decode_as(decoder: "msgspec.json.Decoder[_T]", text: bytes) -> _T:
    """Decode with a prepared decoder.

    Raises:
        msgspec.ValidationError: JSON, but not what the decoder's type says.
        RemoteProtocolError: not JSON, not UTF-8, or nested too deep to be read.
    """
    if len(text) > _SHORT_BYTES:
        _check_depth(text)
    try:
        return decoder.decode(text)
    except msgspec.ValidationError:
        raise
    except RecursionError:
        raise RemoteProtocolError("JSON nested too deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_repaired(decoder, text)


def _check_depth(text: bytes) -> None:
    """Refuse what is nested too deep to be sent on.

    Raises:
        RemoteProtocolError: it is.
    """
    opened = text.count(b"[") + text.count(b"{")
    if opened > MAX_DEPTH and _is_deep(text):
        # Many brackets may be in strings. Taking those out costs 40 ms a megabyte, so the beginning comes first.
        for part in (text[:_BEGINNING_BYTES], text):
            if _is_deep(_STRING.sub(b"", part)):
                raise RemoteProtocolError("JSON nested too deep")


def check_depth_of(value: object) -> None:
    """Refuse a decoded value that is nested too deep to be sent on. orjson finds that out ten times as fast as Python.

    Raises:
        RemoteProtocolError: it is.
    """
    for _ in range(_ENCODERS_DEPTH - MAX_DEPTH):
        value = [value]
    try:
        orjson.dumps(value, _nothing)
    except TypeError:
        raise RemoteProtocolError("nested too deep") from None


def _nothing(_: object) -> None:
    """Stand for what JSON does not have."""


def _is_deep(text: bytes) -> bool:
    """Tell whether brackets nest too deep, those in strings included; 1 ms for a megabyte, 3 for one of brackets."""
    brackets, depth = text.translate(_AS_SQUARE, _NO_BRACKETS), 0
    for start in range(0, len(brackets), _BRACKETS):
        some = brackets[start : start + _BRACKETS]
        depth += 2 * some.count(b"[") - len(some)
        if depth > MAX_DEPTH:
            return True
    return False


def _decode_repaired(decoder: "msgspec.json.Decoder[_T]", text: bytes) -> _T:
    """Try once more without lone surrogates, which JavaScript's JSON.stringify may write and Python cannot hold."""
    repaired = _LONE_SURROGATE.sub(_replace_lone, text) if b"\\u" in text else text
    try:
        if repaired != text:
            return decoder.decode(repaired)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    raise RemoteProtocolError("malformed JSON")


def _replace_lone(found: "re.Match[bytes]") -> bytes:
    backslashes, pair = found.groups()
    return backslashes + (pair or rb"\ufffd")


def fill(value: object, attachments: list[bytes]) -> object:
    """Put attachments back where their placeholders are; containers are changed in place.

    Raises:
        RemoteProtocolError: a placeholder without an attachment, more of them than can be sent on, or nesting too deep.
    """
    return _fill(value, attachments, [], 0)


def _fill(value: object, attachments: list[bytes], used: list[bytes], depth: int) -> object:
    if depth > MAX_PLACEHOLDER_DEPTH:
        raise RemoteProtocolError("JSON nested too deep")
    if is_object(value):
        if value.get("_placeholder") is True:
            used.append(_attachment(value.get("num"), attachments))
            if len(used) > MAX_ATTACHMENTS:  # one may be used twice, but each use is one more when it is sent on
                raise RemoteProtocolError("too many attachments")
            return used[-1]
        for key, item in value.items():
            if item and _is_nested(item):
                value[key] = _fill(item, attachments, used, depth + 1)
    elif is_array(value):
        for index, item in enumerate(value):
            if item and _is_nested(item):
                value[index] = _fill(item, attachments, used, depth + 1)
    return value


def _attachment(number: object, attachments: list[bytes]) -> bytes:
    if type(number) is int and 0 <= number < len(attachments):
        return attachments[number]
    raise RemoteProtocolError("illegal attachments")
