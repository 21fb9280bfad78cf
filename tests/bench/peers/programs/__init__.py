"""Tests of what the peers share. The servers themselves are started by `make bench-smoke` and by test_runner.py."""
