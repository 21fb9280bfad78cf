"""What tests of the server ask for."""

import gc
import resource
from collections.abc import Iterator

import pytest


@pytest.fixture
def habits() -> Iterator[None]:
    """What serving asks of its process, changed back afterwards."""
    threshold, limits = gc.get_threshold(), resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
