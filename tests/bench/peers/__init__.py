"""Tests of the peers: where they come from, and how they run."""
