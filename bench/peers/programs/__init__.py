"""One program for each peer, started as a process of its own; the suite imports none of them."""
