"""Kinds of errors are few, whatever their texts are."""

import pytest

from slysock import InvalidPayload, Refusal
from slysock.telemetry.error_kind import error_kind


class TooLate(Refusal):
    """A refusal of a program's own."""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TooLate("SECRET"), "TooLate"),
        (InvalidPayload("SECRET"), "InvalidPayload"),
        (ValueError("SECRET"), "Unexpected"),
    ],
)
def test_an_error_is_named_by_what_the_program_says_no_with(error: Exception, kind: str) -> None:
    assert error_kind(error) == kind
