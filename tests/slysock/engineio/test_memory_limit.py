"""How much memory there is: the machine's, and what control groups leave of it."""

from pathlib import Path

import pytest

from slysock.engineio.memory_limit import memory_limit_bytes

MIB = 2**20


def machine(root: Path, cgroup: str, limits: dict[str, str]) -> Path:
    """Write what /proc and /sys would say."""
    for name, text in {
        "proc/self/cgroup": cgroup,
        **{f"sys/fs/cgroup/{key}": text for key, text in limits.items()},
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("cgroup", "limits", "mib"),
    [
        ("0::/\n", {"memory.max": f"{64 * MIB}\n"}, 64),
        ("0::/a/b\n", {"a/b/memory.max": f"{32 * MIB}\n", "a/memory.max": f"{64 * MIB}\n"}, 32),
        ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": f"{64 * MIB}\n"}, 64),
        ("0::/a/b\n", {"a/b/memory.max": f"{64 * MIB}\n", "a/memory.max": f"{16 * MIB}\n"}, 16),
        ("4:memory:/a\n2:cpu,cpuacct:/\n", {"memory/a/memory.limit_in_bytes": f"{64 * MIB}\n"}, 64),
        ("4:cpu,memory:/a\n", {"memory/a/memory.limit_in_bytes": f"{64 * MIB}\n"}, 64),
        # A container that sees its own group as the root, while /proc has the host's name for it.
        ("4:memory:/docker/1234\n", {"memory/memory.limit_in_bytes": f"{64 * MIB}\n"}, 64),
        ("0::/../..\n", {"memory.max": f"{64 * MIB}\n"}, 64),
    ],
)
def test_the_smallest_limit_of_the_groups_counts(tmp_path: Path, cgroup: str, limits: dict[str, str], mib: int) -> None:
    assert memory_limit_bytes(machine(tmp_path, cgroup, limits)) == mib * MIB


@pytest.mark.parametrize(
    ("cgroup", "limits"),
    [
        ("0::/a\n", {"a/memory.max": "max\n"}),
        ("0::/a\n", {}),
        ("", {"memory.max": "1"}),
        ("4:memory:/a\n", {"memory/a/memory.limit_in_bytes": "9223372036854771712\n"}),
        ("3:cpu:/a\n", {"memory/a/memory.limit_in_bytes": "1\n"}),
    ],
)
def test_without_a_limit_it_is_what_the_machine_has(tmp_path: Path, cgroup: str, limits: dict[str, str]) -> None:
    unlimited = memory_limit_bytes(tmp_path / "no such place")
    assert unlimited > 64 * MIB
    assert memory_limit_bytes(machine(tmp_path, cgroup, limits)) == unlimited


def test_here_it_is_something() -> None:
    assert memory_limit_bytes() > 64 * MIB
