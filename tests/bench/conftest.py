"""What tests with processes need."""

import pytest

from bench.build import CannotBuild, program


@pytest.fixture(scope="session")
def compiled() -> None:
    """The programs in C; a test that needs them is skipped where there is no compiler."""
    try:
        program("launch")
    except CannotBuild as error:
        pytest.skip(str(error))
