"""The AsyncAPI 3 document: every event of every namespace, from the handlers and what the systems declare.

A namespace is a channel. The payload of a message is the event's argument, or an array of several. The acknowledgement
is the operation's reply.
Source: AsyncAPI specification 3.0.0, https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final, Literal, final

import msgspec

from slysock.handlers.description import EventDescription

from .emissions import Emits
from .schemas import Schema, schemas_of
from .system import System

DESCRIPTION: Final = """\
The Socket.IO events of these chat systems. Connect with any Socket.IO client of protocol 5, with a JSON Web Token as \
`auth.token`, in the `Authorization` header, as `?token=` or in the cookie `token`.

A channel is a namespace. `receive` is what the server takes from clients, `send` is what it sends to them; the \
payload is the event's argument, or an array where it has several. A reply is the acknowledgement, for clients that \
ask for one.
"""


@final
class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One event in one direction, before its types have become schemas."""

    action: Literal["receive", "send"]
    namespace: str
    event: str
    doc: str
    system: str
    arguments: tuple[object, ...]
    required: int
    returns: object = None


def asyncapi_document(systems: Sequence[System]) -> Schema:
    """Describe the events of systems that are served together."""
    entries = _entries_of(systems)
    payloads = [kind for entry in entries for kind in (*entry.arguments, _ack_type(entry.returns))]
    schemas, components = schemas_of(payloads)
    document = _Document(components)
    for entry in entries:
        count = len(entry.arguments) + 1
        document.add(entry, schemas[: count - 1], schemas[count - 1])
        schemas = schemas[count:]
    return document.build()


def _entries_of(systems: Sequence[System]) -> list[_Entry]:
    entries: list[_Entry] = []
    routers = dict.fromkeys((router, system.name) for system in systems for router in system.routers)
    seen: set[int] = set()
    for router, system in routers:
        if id(router) not in seen:  # systems may share one
            seen.add(id(router))
            entries += [_incoming(str(router.namespace), system, event) for event in router.describe()]
    return entries + [_outgoing(system.name, emits) for system in systems for emits in system.emits]


def _incoming(namespace: str, system: str, event: EventDescription) -> _Entry:
    return _Entry(
        action="receive",
        namespace=namespace,
        event=event.event,
        doc=event.doc,
        system=system,
        arguments=event.arguments,
        required=event.required,
        returns=event.returns,
    )


def _outgoing(system: str, emits: Emits) -> _Entry:
    arguments = () if emits.payload is None else (emits.payload,)
    return _Entry(
        action="send",
        namespace=emits.namespace,
        event=emits.event,
        doc=emits.doc,
        system=system,
        arguments=arguments,
        required=len(arguments),
    )


def _ack_type(returns: object) -> object:
    """Return the type of an acknowledgement; a result that is not JSON (NO_ACK, several values) may be anything."""
    return object if returns is None else returns


def _slug(text: str) -> str:
    """Make a key that AsyncAPI allows."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text.strip("/")) or "root"


@final
class _Document:
    """The document as it grows."""

    def __init__(self, components: dict[str, Schema]) -> None:
        self._components = components
        self._channels: dict[str, Schema] = {}
        self._messages: dict[str, dict[str, Schema]] = {}  # channel -> message -> where it is
        self._operations: dict[str, Schema] = {}
        self._message_bodies: dict[str, Schema] = {}

    def add(self, entry: _Entry, arguments: list[Schema], ack: Schema) -> None:
        """Add one event."""
        channel = self._channel(entry.namespace)
        name = self._free_name(f"{channel}.{entry.action}.{_slug(entry.event)}")
        summary, _, description = entry.doc.partition("\n")
        message: Schema = {"name": entry.event, "title": entry.event, "summary": summary}
        operation: Schema = {
            "action": entry.action,
            "title": entry.event,
            "summary": summary,
            "channel": {"$ref": f"#/channels/{channel}"},
            "tags": [{"name": entry.system}],
            "messages": [self._message(channel, name, {**message, "payload": _payload(arguments, entry.required)})],
        }
        if description.strip():
            operation["description"] = description.strip()
        if entry.returns is not None:
            reply = {"name": f"{entry.event} (acknowledgement)", "title": f"{entry.event} (acknowledgement)"}
            reference = self._message(channel, f"{name}.ack", {**reply, "payload": ack})
            operation["reply"] = {"channel": {"$ref": f"#/channels/{channel}"}, "messages": [reference]}
        self._operations[name] = operation

    def build(self) -> Schema:
        """Build the whole document."""
        return {
            "asyncapi": "3.0.0",
            "info": {
                "title": "slysock",
                "version": version("slysock"),
                "description": DESCRIPTION,
                "license": {"name": "MIT"},
            },
            "servers": {
                "slysock": {
                    "host": "localhost:3000",
                    "pathname": "/socket.io/",
                    "protocol": "ws",
                    "description": "Engine.IO 4 by WebSocket or HTTP long-polling",
                    "security": [{"$ref": "#/components/securitySchemes/token"}],
                }
            },
            "defaultContentType": "application/json",
            "channels": self._channels,
            "operations": self._operations,
            "components": {
                "schemas": self._components,
                "messages": self._message_bodies,
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            },
        }

    def _channel(self, namespace: str) -> str:
        name = _slug(namespace)
        if name not in self._channels:
            self._messages[name] = {}
            self._channels[name] = {
                "address": namespace,
                "title": f"The namespace {namespace}",
                "servers": [{"$ref": "#/servers/slysock"}],
                "messages": self._messages[name],
            }
        return name

    def _message(self, channel: str, name: str, body: Schema) -> Schema:
        self._message_bodies[name] = body
        self._messages[channel][name] = {"$ref": f"#/components/messages/{name}"}
        return {"$ref": f"#/channels/{channel}/messages/{name}"}

    def _free_name(self, name: str) -> str:
        """Number the handlers of one event; they differ by payload."""
        number, free = 1, name
        while free in self._operations:
            number += 1
            free = f"{name}.{number}"
        return free


def _payload(arguments: list[Schema], required: int) -> Schema:
    match arguments:
        case []:
            return {"type": "null", "description": "No argument"}
        case [only]:
            return only
        case _:
            return {"type": "array", "items": arguments, "minItems": required, "maxItems": len(arguments)}
