"""Null in a field that may be left out is the same as left out, in every payload."""

from collections.abc import Iterator
from types import ModuleType

import msgspec
import pytest
from msgspec import inspect as types

from slysock.systems.manage import resources
from slysock.systems.marketplace import managing as marketplace_managing
from slysock.systems.marketplace import payloads as marketplace
from slysock.systems.pets import payloads as pets
from slysock.systems.services import managing as records
from slysock.systems.services import notifications as notices
from slysock.systems.services import payloads as services
from slysock.systems.support import payloads as support

MODULES = (marketplace, services, pets, support, resources, notices, records, marketplace_managing)

# What clients send at least, of every payload with a default other than null.
LEAST: dict[type[msgspec.Struct], dict[str, object]] = {
    marketplace.JoinChat: {"productId": 1, "recipientId": 2},
    marketplace.ListChats: {},
    services.SendMessage: {"chatId": "c", "content": "x"},
    services.SupportMessage: {"ticketId": "t", "content": "x"},
    notices.NewNotice: {"userId": "u", "type": "t", "content": "x"},
    pets.MessageBody: {},
    pets.SendMessage: {"chatId": "c"},
    pets.ListingRecord: {"title": "t"},
    support.SendMessage: {"conversationId": "c", "content": "x"},
    support.CreateConversation: {},
    support.OrderRecord: {"userId": "u", "status": "s"},
    resources.NewNotice: {"userId": "u", "type": "t"},
}
NO_PAYLOADS = {resources.Manage, resources.Resource, resources.Notifications, resources.UserPresence}


def structs_in(module: ModuleType) -> Iterator[type[msgspec.Struct]]:
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, msgspec.Struct) and value.__module__ == module.__name__:
            yield value


def optional_fields(struct: type[msgspec.Struct]) -> list[types.Field]:
    described = types.type_info(struct)
    assert isinstance(described, types.StructType)
    return [field for field in described.fields if not field.required]


PAYLOADS = [struct for module in MODULES for struct in structs_in(module) if struct not in NO_PAYLOADS]


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_field_that_may_be_left_out_may_be_null(payload: type[msgspec.Struct]) -> None:
    for field in optional_fields(payload):
        members = field.type.types if isinstance(field.type, types.UnionType) else (field.type,)
        assert any(isinstance(member, types.NoneType | types.AnyType | types.CustomType) for member in members), field
        assert field.default is None or payload in LEAST, f"{payload.__name__}.{field.name} has no case here"


@pytest.mark.parametrize("payload", LEAST, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_null_is_the_default(payload: type[msgspec.Struct]) -> None:
    least = LEAST[payload]
    nulls = {field.encode_name: None for field in optional_fields(payload)}
    encoded = msgspec.json.encode({**nulls, **least})
    assert msgspec.json.decode(encoded, type=payload) == msgspec.convert(least, payload)


def test_a_default_that_is_made_is_made_for_each() -> None:
    one, other = (msgspec.convert({"participants": None}, support.CreateConversation) for _ in range(2))
    assert one.participants == other.participants == []
    assert one.participants is not other.participants
