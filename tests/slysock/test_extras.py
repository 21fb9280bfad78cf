"""What is missing is named by the extra that brings it; tests/test_wheel.py asks where it is really missing."""

import pytest

from slysock.extras import MissingExtra, needs_extra

TEXT = "slysock.boats needs the extra \"boats\": pip install 'slysock[boats]'"


def test_a_missing_module_is_explained_by_its_extra_and_still_named() -> None:
    with pytest.raises(MissingExtra) as caught, needs_extra("slysock.boats", "boats"):
        import no_such_boat.sail  # noqa: F401 - that it is missing is the point
    assert str(caught.value) == TEXT
    assert caught.value.name == "no_such_boat"
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_the_outermost_part_is_the_one_that_was_asked_for() -> None:
    with pytest.raises(MissingExtra) as caught, needs_extra("slysock.boats", "boats"), needs_extra("slysock.oars", "o"):
        raise ModuleNotFoundError(name="wood")
    assert str(caught.value) == TEXT


@pytest.mark.parametrize("name", ["slysock.no_such_module", "slysock_store.no_such_module", None])
def test_a_missing_module_of_ours_is_not_taken_for_an_extra(name: str | None) -> None:
    with pytest.raises(ModuleNotFoundError) as caught, needs_extra("slysock.boats", "boats"):
        raise ModuleNotFoundError(name=name)
    assert not isinstance(caught.value, MissingExtra)


def test_what_else_goes_wrong_in_a_module_goes_through() -> None:
    with pytest.raises(ZeroDivisionError), needs_extra("slysock.boats", "boats"):
        raise ZeroDivisionError
