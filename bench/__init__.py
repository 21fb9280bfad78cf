"""Compares slysock with the servers that one would otherwise run: see `python -m bench --help`, and README.md here."""
