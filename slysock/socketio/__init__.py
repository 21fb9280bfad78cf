"""Socket.IO v5 on sessions: namespaces, clients, rooms, and what is said to them."""
