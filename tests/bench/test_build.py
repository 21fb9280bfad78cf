import importlib.util
from pathlib import Path

import pytest

from bench import build
from bench.build import CannotBuild, program


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a program that says nothing, known as `quiet`; what is compiled goes there, too."""
    source = tmp_path / "quiet.c"
    source.write_text("int main(void) { return 0; }\n")
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "zig").symlink_to(build.CACHE / "zig")  # or the compiler would first compile what it needs itself
    monkeypatch.setattr(build, "CACHE", cache)
    monkeypatch.setitem(build.PROGRAMS, "quiet", [source])
    program.cache_clear()
    try:
        program("quiet")
    except CannotBuild as error:
        pytest.skip(str(error))
    return tmp_path


def test_a_program_is_compiled_once(sources: Path) -> None:
    first = program("quiet").stat()
    program.cache_clear()
    assert program("quiet").stat() == first


def test_a_changed_header_makes_another_program(sources: Path) -> None:
    before = program("quiet")
    (sources / "quiet.h").write_text("/* new */\n")
    program.cache_clear()
    assert program("quiet") != before


def test_what_the_compiler_says_is_told(sources: Path) -> None:
    (sources / "quiet.c").write_text("int main(void) { return nonsense; }\n")
    program.cache_clear()
    with pytest.raises(CannotBuild, match="nonsense"):
        program("quiet")
    program.cache_clear()


def test_without_a_compiler_nothing_is_compiled(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    program.cache_clear()
    with pytest.raises(CannotBuild, match="no C compiler"):
        program("quiet")
