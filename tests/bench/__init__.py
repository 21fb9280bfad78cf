"""Tests of the benchmark's harness: never of speed."""
