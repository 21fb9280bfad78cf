"""The tests of slysock_protocol.socketio."""
