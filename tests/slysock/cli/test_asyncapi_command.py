"""`slysock asyncapi`: the document, without a server."""

import msgspec
import pytest

from tests.slysock.cli.running import run_main


def test_the_document_of_events_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main("asyncapi", "--system", "marketplace") == 0
    document = msgspec.json.decode(capsys.readouterr().out)
    assert set(document["channels"]) == {"presence", "chat", "notification"}
