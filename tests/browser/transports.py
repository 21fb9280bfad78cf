"""The transports that tests are repeated for."""

import pytest

EACH = pytest.mark.parametrize("transports", [["polling"], ["websocket"]], ids=["polling", "websocket"])
"""One alone."""

EVERY = pytest.mark.parametrize(
    "transports", [["polling"], ["websocket"], ["polling", "websocket"]], ids=["polling", "websocket", "upgrade"]
)
"""And what a client does by itself: begin with one, and go on with the other."""
