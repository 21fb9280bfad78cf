"""Which talks the marketplace remembers, and what it asks the store for each time all the same."""

from collections.abc import AsyncGenerator

import pytest

from slysock.systems.domain import Domain, Invalid, make_domain
from slysock.systems.domain.references import References
from slysock.systems.marketplace.access import Access, Talk
from slysock.systems.marketplace.managing import PRODUCT_KIND
from slysock.systems.marketplace.payloads import Typing
from slysock.systems.marketplace.people import Person, Role
from slysock_store import Store, SystemName, open_store

SYSTEM = SystemName("test")
CUSTOMER, OTHER_CUSTOMER, VENDOR = Person(Role.CUSTOMER, 1), Person(Role.CUSTOMER, 2), Person(Role.VENDOR, 5)


@pytest.fixture
async def store() -> AsyncGenerator[Store, None]:
    async with open_store("sqlite://") as opened:
        yield opened


@pytest.fixture
def access(store: Store) -> Access:
    return _access(store, max_known=2)


def _access(store: Store, *, max_known: int) -> Access:
    domain: Domain = make_domain(store, SYSTEM)
    products = References(store, SYSTEM, kind=PRODUCT_KIND)
    return Access(domain, products, max_known=max_known)


async def _begun(store: Store, access: Access, product: int) -> Talk:
    talk = await access.talk(CUSTOMER, Typing(product_id=product, recipient_id=VENDOR.id))
    await store.ensure_chat(SYSTEM, talk.chat)
    return talk


async def test_a_talk_says_who_talks_to_whom_about_what(access: Access) -> None:
    talk = await access.talk(VENDOR, Typing(product_id="p", recipient_id=CUSTOMER.id))
    assert (talk.sender, talk.recipient, talk.recipient_key) == (VENDOR.key, CUSTOMER, CUSTOMER.key)
    assert (talk.sender_room, talk.recipient_room) == (VENDOR.room, CUSTOMER.room)
    assert (talk.chat.participants, talk.chat.reference) == ((CUSTOMER.key, VENDOR.key), "p")


async def test_a_talk_is_known_once_its_chat_has_been_found_and_to_who_found_it(access: Access, store: Store) -> None:
    name = Typing(product_id=1, recipient_id=VENDOR.id)
    first = await _begun(store, access, product=1)
    found = await access.talk(CUSTOMER, name)
    assert found is not first
    assert await access.talk(CUSTOMER, name) is found
    assert (await access.talk(OTHER_CUSTOMER, name)).sender == OTHER_CUSTOMER.key
    assert (await access.talk(VENDOR, Typing(product_id=1, recipient_id=CUSTOMER.id))).sender == VENDOR.key


async def test_a_product_keeps_its_type_in_a_known_talk(access: Access, store: Store) -> None:
    await _begun(store, access, product=1)
    for product in (1, "1", 1, "1"):
        talk = await access.talk(CUSTOMER, Typing(product_id=product, recipient_id=VENDOR.id))
        assert talk.chat.reference == product
        assert type(talk.chat.reference) is type(product)


async def test_a_recipient_of_the_same_role_is_refused_in_a_known_talk_too(access: Access, store: Store) -> None:
    await _begun(store, access, product=1)
    await access.talk(CUSTOMER, Typing(product_id=1, recipient_id=VENDOR.id))
    with pytest.raises(Invalid, match="A customer can only chat with a vendor"):
        await access.talk(CUSTOMER, Typing(product_id=1, recipient_id=VENDOR.id, recipient_type="CUSTOMER"))


async def test_no_more_talks_are_remembered_than_allowed(access: Access, store: Store) -> None:
    names = [Typing(product_id=product, recipient_id=VENDOR.id) for product in (1, 2, 3)]
    for product in (1, 2, 3):
        await _begun(store, access, product)
    first, _, third = [await access.talk(CUSTOMER, name) for name in names]
    assert await access.talk(CUSTOMER, names[2]) is third  # it made room by forgetting the others
    assert await access.talk(CUSTOMER, names[0]) is not first
