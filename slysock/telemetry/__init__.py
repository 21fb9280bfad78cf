"""Numbers for whoever watches a server. For any program."""
