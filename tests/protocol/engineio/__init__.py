"""The tests of slysock_protocol.engineio."""
