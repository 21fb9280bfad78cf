"""Property tests here are deterministic: the same examples in every run, no database of past failures, no clock."""

from hypothesis import settings

settings.register_profile("deterministic", deadline=None, derandomize=True, database=None)
settings.load_profile("deterministic")
