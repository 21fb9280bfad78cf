"""What profiles say: they come from many back-ends, so a field of an unexpected type counts as missing."""

from slysock_store import JsonObject


def text_in(fields: JsonObject, *names: str) -> str | None:
    """Return the first of these fields that is text; None if none is."""
    return next((value for name in names if isinstance(value := fields.get(name), str)), None)


def name_in(profile: JsonObject, *names: str) -> str | None:
    """Return somebody's name: the first of these fields, or the first and last name, or the user name."""
    whole = text_in(profile, *names)
    if whole is not None:
        return whole
    parts = [part for part in (text_in(profile, "firstName"), text_in(profile, "lastName")) if part is not None]
    return " ".join(parts) or text_in(profile, "username")
