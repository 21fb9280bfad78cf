"""Systems by name and by address, and what is said of those that cannot be had."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from slysock.cli.loading import describe_systems, load_maker
from slysock.cli.settings import SettingsError
from slysock.systems import SYSTEMS
from tests.slysock.cli.running import run_main

HUT = """
import trio
from slysock import Router
from slysock.systems.system import System

number = 7

def hut(foundation):
    return System(name="hut", routers=(Router("/hut"),), run=trio.sleep_forever)

def shed(foundation):
    return "shed"

def two(foundation, more):
    return hut(foundation)

class Builder:
    def __call__(self, foundation):
        return hut(foundation)

builder = Builder()
"""


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Forget what a test has imported from its own folder."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.partition(".")[0] in {"village", "broken", "outer"}:
            del sys.modules[name]


@pytest.fixture
def village(elsewhere: Path) -> Path:
    """A module with a system, in the working directory."""
    (elsewhere / "village.py").write_text(HUT)
    return elsewhere


@pytest.mark.parametrize("name", SYSTEMS)
async def test_every_system_has_the_name_it_is_served_by(name: str) -> None:
    (system,) = await describe_systems([name])
    assert system.name == name
    assert system.namespaces
    assert system.roles
    assert system.story is not None


@pytest.mark.parametrize("maker", ["hut", "builder"])
async def test_a_module_of_the_working_directory_is_found(village: Path, maker: str) -> None:
    (system,) = await describe_systems([f"village:{maker}"])
    assert system.namespaces == ("/hut",)


async def test_systems_from_both_doors_stand_beside_each_other(village: Path) -> None:
    names = [system.name for system in await describe_systems(["pets", "village:hut"])]
    assert names == ["pets", "hut"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "qqqq",
            "unknown system 'qqqq'; choose from marketplace, services, pets, support, or a module:name",
        ),
        ("markt", "unknown system 'markt'; did you mean marketplace?"),
        (":hut", "unknown system ':hut'"),
        ("village:", "unknown system 'village:'"),
        (".village:hut", "unknown system '.village:hut'"),
        ("vilage:hut", "there is no module 'vilage'"),
        ("village.inner:hut", "there is no module 'village.inner'"),
        ("village:hat", "village has no 'hat'; did you mean hut?"),
        ("village:number", "village:number does not make a system"),
        ("village:two", "village:two does not make a system: it must take a Foundation and return a System"),
    ],
)
def test_what_is_not_there_or_makes_no_system_is_said_so(village: Path, name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_maker(name)
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["village:shed"], "village:shed does not make a system: it returned str, not System"),
        (
            ["pets", "slysock.systems.pets:pets"],
            "two systems are called 'pets': pets and slysock.systems.pets:pets",
        ),
    ],
)
async def test_what_is_made_must_be_systems_with_names_of_their_own(village: Path, names: list[str], text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        await describe_systems(names)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("source", "why", "line"),
    [
        ("x = 1\nprint(y)\n", "NameError: name 'y' is not defined", 2),
        ("\n\nimport nowhere\n", "ModuleNotFoundError: No module named 'nowhere'", 3),
        ("def f():\n    raise ValueError('two\\nlines')\nf()\n", "lines", 2),
        ("if:\n", "SyntaxError: invalid syntax", 1),
    ],
)
def test_an_error_inside_a_module_names_it_and_shows_where(
    elsewhere: Path, capsys: pytest.CaptureFixture[str], source: str, why: str, line: int
) -> None:
    (elsewhere / "broken.py").write_text(source)
    (elsewhere / "outer.py").write_text("import broken\n")
    for module in ("broken", "outer"):
        assert run_main("asyncapi", "--system", f"{module}:hut") == 2
        (said,) = capsys.readouterr().err.splitlines()
        assert said.startswith(f"slysock: {module} cannot be imported: ")
        assert said.endswith(f"{why} ({elsewhere / 'broken.py'}, line {line})")


@pytest.mark.parametrize("command", ["serve", "demo", "asyncapi"])
def test_every_command_says_it_in_one_line(village: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert run_main(command, "--system", "pets,village:hat") == 2
    assert capsys.readouterr().err == "slysock: village has no 'hat'; did you mean hut?\n"
    assert [path.name for path in village.iterdir() if path.name != "__pycache__"] == ["village.py"]


def test_the_working_directory_is_searched_for_addresses_only(village: Path) -> None:
    load_maker("pets")
    assert str(village) not in sys.path
    load_maker("village:hut")
    assert sys.path[0] == str(village)
