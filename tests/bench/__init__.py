"""Tests of the benchmark's harness: never of speed.

A module bench/a/b.py has its tests in tests/bench/a/test_b.py. What has none is tested where it is used: the values in
bench/scenarios/ and the servers in bench/peers/programs/ by test_runner.py, which runs each scenario for an instant
with slysock, and by `python -m bench smoke --peer ...`, which does so with any other; the C programs by
generator/test_run.py.
"""
