"""The tests of slysock; a package, so that `python -m tests.conformance.server` works from the top folder."""
