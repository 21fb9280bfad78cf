"""What serving changes in its process, tried in one of its own."""

import subprocess
import sys

SCRIPT = """
import gc, resource
from slysock.process import settle_in
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
settle_in()
settle_in()
print(resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard))
print(gc.get_threshold()[0] > 700)
print(gc.get_freeze_count() > 0)
"""


def test_a_serving_process_may_open_many_files_and_seldom_looks_for_garbage() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True"]
