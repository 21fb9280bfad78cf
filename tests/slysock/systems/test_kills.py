"""What was acknowledged is seen by its recipient, however often the server is killed."""

from typing import Final

import pytest

from tests.slysock.systems.kills import Kills

pytestmark = [pytest.mark.port, pytest.mark.node]

KILLS: Final = 5


async def test_every_recipient_sees_all_that_was_acknowledged(durable_url: str) -> None:
    run = Kills()
    await run.run(durable_url, KILLS)
    assert all(run.acknowledged), "people talked in each system"
