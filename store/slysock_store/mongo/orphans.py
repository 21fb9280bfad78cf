"""Transactions that a server has left behind: it was killed, or lost the network, between its writes and its commit.

What they have changed stays locked for as long as the database lets transactions live, a minute by default, and every
other transaction that touches it fails. Those of a server that is there do not pause for long between two commands.
"""

import logging
from contextlib import suppress
from typing import Final

import pymongo
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from .documents import Document

logger = logging.getLogger("slysock.store")

APP_NAME: Final = "slysock"

IDLE_SECONDS: Final = 1.0
"""After so long without a command, a transaction of ours has been left behind. One that was not is tried again."""

_SECONDS: Final = 2.0  # to look for them
_STAGES: Final[list[Document]] = [
    {"$currentOp": {"allUsers": False, "idleSessions": True, "idleConnections": False}},
    {
        "$match": {
            "type": "idleSession",
            "appName": APP_NAME,
            "transaction.timeInactiveMicros": {"$gte": int(IDLE_SECONDS * 1_000_000)},
        }
    },
    {"$project": {"_id": 0, "id": "$lsid.id"}},
]


def end_orphans(client: MongoClient[Document]) -> int:
    """End those there are, of this user of the database; return how many. What cannot be asked is left alone."""
    with suppress(PyMongoError), pymongo.timeout(_SECONDS):
        sessions = list(client.admin.aggregate(_STAGES))
        if sessions:
            client.admin.command("killSessions", sessions)
            logger.warning("ended %d transactions that a server had left behind", len(sessions))
        return len(sessions)
    return 0
