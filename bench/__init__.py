"""Measures slysock beside the servers that one would otherwise run: `python -m bench --help`, and README.md here."""
