"""The MongoDB backend: a replica set or cluster, one writer with bulk writes in transactions, reads from snapshots."""

from .backend import open_database, store_on

__all__ = ["open_database", "store_on"]
