"""The guide's smallest dialect is a real one."""

import re
from pathlib import Path

from tests.slysock.systems.market import token_for
from tests.slysock.systems.running import open_systems

GUIDE = Path(__file__).parents[3] / "slysock" / "systems" / "README.md"


async def test_the_smallest_dialect_of_the_guide_works() -> None:
    found = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    names: dict[str, object] = {"__name__": "whisper"}
    exec(compile(found[1], str(GUIDE), "exec"), names)
    build = names["whisper"]
    assert callable(build)
    async with open_systems(build) as running:
        memory = running.memory
        anna = await memory.connect("/whisper", auth={"token": token_for("anna", "user")})
        ben = await memory.connect("/whisper", auth={"token": token_for("ben", "user")})
        assert len(str(await anna.call("say", {"to": "ben", "text": "psst"}))) == 24
        assert await ben.expect("said") == ({"by": "anna", "text": "psst"},)
        stranger = await memory.connect("/whisper")
        assert await stranger.expect("error") == ({"message": "Authentication token is missing"},)
