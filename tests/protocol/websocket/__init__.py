"""The tests of slysock_protocol.websocket."""
