"""The SQLite backend: one file (or memory), one writer with group commit, several readers."""

from .backend import SqliteStore, open_file, open_memory

__all__ = ["SqliteStore", "open_file", "open_memory"]
