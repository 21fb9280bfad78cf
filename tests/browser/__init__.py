"""Pages in a real Chromium, whose scripts are a front-end developer's: the stock bundle of socket.io-client, unchanged.

A page comes from another origin than the server, as front-ends do. Which Chromium: see chromium.py; without one the
tests are skipped, and say what is missing.
"""
