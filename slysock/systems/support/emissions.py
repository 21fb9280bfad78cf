"""Every event that clients get, for the AsyncAPI document."""

from typing import Final

from slysock.systems.emissions import Emits

from .announcing import CONVERSATION_UPDATED, NEW_CONVERSATION, NEW_MESSAGE
from .failures import EXCEPTION, ExceptionShape
from .rooms import NAMESPACE
from .shapes import ConversationShape, MessageShape

EMITS: Final = (
    Emits(
        namespace=NAMESPACE,
        event=NEW_MESSAGE,
        payload=MessageShape,
        doc="A message in a conversation that this socket has joined; the sender gets it, too.",
    ),
    Emits(
        namespace=NAMESPACE,
        event=CONVERSATION_UPDATED,
        payload=ConversationShape,
        doc="The status, subject or participants of a joined conversation have changed.",
    ),
    Emits(
        namespace=NAMESPACE,
        event=NEW_CONVERSATION,
        payload=ConversationShape,
        doc="A new conversation that the user takes part in; admins get every one. Nothing has to be joined.",
    ),
    Emits(
        namespace=NAMESPACE,
        event=EXCEPTION,
        payload=ExceptionShape,
        doc="An event failed, and its acknowledgement says the same; or the socket is about to be disconnected.",
    ),
)
