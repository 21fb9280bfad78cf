"""Clients that break the rules: what they get, and that nobody else notices. See README.md beside this file."""
