"""How a session's packets reach its client: long-polling or WebSocket."""
