import pytest

from shop.customers import Address, Customer, Customers, label, normalise
from shop.errors import NotFound, ShopError

HOME = Address("Lange Str. 5", "Hamburg", "20095", "DE")


@pytest.fixture
def customers():
    customers = Customers()
    customers.register(Customer("Ada@Example.org", "Ada", "hash", HOME))
    return customers


@pytest.mark.parametrize("typed", ["ada@example.org", " ADA@example.org "])
def test_addresses_are_found_however_they_are_typed(customers, typed):
    assert customers.find(typed).name == "Ada"


def test_a_stranger_is_not_found(customers):
    assert customers.find("eve@example.org") is None


def test_nobody_registers_twice(customers):
    with pytest.raises(ShopError):
        customers.register(Customer("ada@example.org", "Ada", "hash"))


def test_an_address_needs_an_at_sign():
    with pytest.raises(ShopError):
        normalise("ada")


def test_moving(customers):
    customers.move("ada@example.org", Address("Rue 1", "Lyon", "69001", "FR"))
    assert customers.find("ada@example.org").address.city == "Lyon"


def test_a_stranger_cannot_move(customers):
    with pytest.raises(NotFound):
        customers.move("eve@example.org", HOME)


def test_label(customers):
    assert label(customers.find("ada@example.org")) == "Ada\nLange Str. 5\n20095 Hamburg\nDE"
