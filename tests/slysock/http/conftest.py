"""What the tests of HTTP on plain sockets ask for."""

from collections.abc import Iterator

import pytest

from tests.slysock.http.peer import Pair


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.client.close()
    made.server.close()
