"""The MongoDB backend: a replica set or cluster, one writer with bulk writes in transactions, reads from snapshots."""

from .backend import MongoStore, open_database

__all__ = ["MongoStore", "open_database"]
