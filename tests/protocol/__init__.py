"""The tests of slysock_protocol, a file for each of its modules."""
