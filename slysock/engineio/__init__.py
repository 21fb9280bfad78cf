"""Engine.IO v4 on HTTP: sessions, and how their packets reach a client, by long-polling or WebSocket."""
