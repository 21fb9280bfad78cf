"""What kind of failure an error is, for labels and logs: one of few, whatever its text says."""

from slysock import InvalidPayload, Refusal


def error_kind(error: Exception) -> str:
    """Name the kind of a failure: the class of a Refusal, `InvalidPayload`, or `Unexpected` for the rest.

    Bounds: as many as the program has kinds of refusals.
    """
    match error:
        case Refusal() | InvalidPayload():
            return type(error).__name__
        case _:
            return "Unexpected"
