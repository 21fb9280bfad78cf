"""The SQLite backend: one file (or memory), one writer with group commit, several readers."""

from .backend import open_file, open_memory, store_on

__all__ = ["open_file", "open_memory", "store_on"]
