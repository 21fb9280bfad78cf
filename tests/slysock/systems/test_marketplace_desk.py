"""What the desk of the marketplace remembers, and what it asks for each time all the same."""

from collections.abc import AsyncGenerator

import pytest

from slysock.identity import Tokens, secret_key
from slysock.systems import make_foundation
from slysock.systems.domain import Domain, Invalid, make_domain
from slysock.systems.domain.references import References
from slysock.systems.marketplace.desk import Desk, Talk
from slysock.systems.marketplace.gate import Gate
from slysock.systems.marketplace.managing import PRODUCT_KIND
from slysock.systems.marketplace.payloads import Typing
from slysock.systems.marketplace.people import Person, Role
from slysock_store import Store, SystemName, open_store
from tests.slysock.systems.market import SECRET

SYSTEM = SystemName("test")
CUSTOMER, OTHER_CUSTOMER, VENDOR = Person(Role.CUSTOMER, 1), Person(Role.CUSTOMER, 2), Person(Role.VENDOR, 5)


@pytest.fixture
async def store() -> AsyncGenerator[Store, None]:
    async with open_store("sqlite://") as opened:
        yield opened


@pytest.fixture
def desk(store: Store) -> Desk:
    return _desk(store, max_known=2)


def _desk(store: Store, *, max_known: int) -> Desk:
    foundation = make_foundation(store, Tokens(secret_key(SECRET)))
    domain: Domain = make_domain(store, SYSTEM)
    products = References(store, SYSTEM, kind=PRODUCT_KIND)
    return Desk(domain, Gate(domain, foundation.admission), products, max_known=max_known)


async def _begun(store: Store, desk: Desk, product: int) -> Talk:
    talk = await desk.talk(CUSTOMER, Typing(product_id=product, recipient_id=VENDOR.id))
    await store.ensure_chat(SYSTEM, talk.chat)
    return talk


async def test_a_talk_says_who_talks_to_whom_about_what(desk: Desk) -> None:
    talk = await desk.talk(VENDOR, Typing(product_id="p", recipient_id=CUSTOMER.id))
    assert (talk.sender, talk.recipient, talk.recipient_key) == (VENDOR.key, CUSTOMER, CUSTOMER.key)
    assert (talk.sender_room, talk.recipient_room) == (VENDOR.room, CUSTOMER.room)
    assert (talk.chat.participants, talk.chat.reference) == ((CUSTOMER.key, VENDOR.key), "p")


async def test_a_talk_is_known_once_its_chat_has_been_found_and_to_who_found_it(desk: Desk, store: Store) -> None:
    name = Typing(product_id=1, recipient_id=VENDOR.id)
    first = await _begun(store, desk, product=1)
    found = await desk.talk(CUSTOMER, name)
    assert found is not first
    assert await desk.talk(CUSTOMER, name) is found
    assert (await desk.talk(OTHER_CUSTOMER, name)).sender == OTHER_CUSTOMER.key
    assert (await desk.talk(VENDOR, Typing(product_id=1, recipient_id=CUSTOMER.id))).sender == VENDOR.key


async def test_a_product_keeps_its_type_in_a_known_talk(desk: Desk, store: Store) -> None:
    await _begun(store, desk, product=1)
    for product in (1, "1", 1, "1"):
        talk = await desk.talk(CUSTOMER, Typing(product_id=product, recipient_id=VENDOR.id))
        assert talk.chat.reference == product
        assert type(talk.chat.reference) is type(product)


async def test_a_recipient_of_the_same_role_is_refused_in_a_known_talk_too(desk: Desk, store: Store) -> None:
    await _begun(store, desk, product=1)
    await desk.talk(CUSTOMER, Typing(product_id=1, recipient_id=VENDOR.id))
    with pytest.raises(Invalid, match="A customer can only chat with a vendor"):
        await desk.talk(CUSTOMER, Typing(product_id=1, recipient_id=VENDOR.id, recipient_type="CUSTOMER"))


async def test_no_more_talks_are_remembered_than_allowed(desk: Desk, store: Store) -> None:
    names = [Typing(product_id=product, recipient_id=VENDOR.id) for product in (1, 2, 3)]
    for product in (1, 2, 3):
        await _begun(store, desk, product)
    first, _, third = [await desk.talk(CUSTOMER, name) for name in names]
    assert await desk.talk(CUSTOMER, names[2]) is third  # it made room by forgetting the others
    assert await desk.talk(CUSTOMER, names[0]) is not first
