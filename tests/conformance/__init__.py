"""Our own statement of both protocols, against a live port, and the server that the official suites expect."""
