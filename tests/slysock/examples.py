"""Runs the examples in the docstrings of our packages."""

from types import ModuleType


def run_example(module: ModuleType) -> dict[str, object]:
    """Run the indented lines of a module's docstring; return the names that they define."""
    assert module.__doc__ is not None
    lines = [line[4:] for line in module.__doc__.splitlines() if line.startswith("    ") or not line]
    names: dict[str, object] = {"__name__": f"example_of_{module.__name__}"}
    exec(compile("\n".join(lines), f"the docstring of {module.__name__}", "exec"), names)
    return names
