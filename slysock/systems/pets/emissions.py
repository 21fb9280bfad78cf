"""Every event that clients get, for the AsyncAPI document."""

from typing import Final

from slysock.systems.emissions import Emits

from .changing import MESSAGE_DELETED, MESSAGE_EDITED, MESSAGE_REACTION
from .failures import ERROR, ErrorShape
from .reading import MESSAGE_READ
from .rooms import ROOT
from .sending import NEW_MESSAGE
from .shapes import MessageDeletedShape, MessageReactionShape, MessageReadShape, MessageShape, TypingShape
from .typing_signals import TYPING

_TABLE: Final[tuple[tuple[str, object, str], ...]] = (
    (NEW_MESSAGE, MessageShape, "A message, whether sent by event or by request; to all sockets of all participants."),
    (TYPING, TypingShape, "Somebody is typing, or has stopped; to the other participants."),
    (MESSAGE_READ, MessageReadShape, "Somebody has read a message; to the participants."),
    (MESSAGE_REACTION, MessageReactionShape, "Somebody has reacted to a message; to the participants."),
    (MESSAGE_EDITED, MessageShape, "A message was edited; to the participants."),
    (MESSAGE_DELETED, MessageDeletedShape, "A message was deleted; to the participants."),
    (ERROR, ErrorShape, "An event failed; to the socket that sent it."),
)

EMITS: Final = tuple(Emits(namespace=ROOT, event=event, payload=payload, doc=doc) for event, payload, doc in _TABLE)
