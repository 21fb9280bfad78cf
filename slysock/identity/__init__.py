"""Who a client is: JSON Web Tokens, and the keys that verify them. For any program; the server knows nothing of it."""
