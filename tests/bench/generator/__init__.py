"""Tests of the generator, and of what starts it."""
