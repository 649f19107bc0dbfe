import pytest

from shop.cart import MAX_PER_LINE, Line, weight_of
from shop.errors import NotFound, ShopError


def test_adding_the_same_product_adds_up(cart):
    cart.add("mug", 3)
    assert cart.quantities() == {"mug": 5}


@pytest.mark.parametrize("quantity", [0, -1, MAX_PER_LINE])
def test_quantities_that_are_refused(cart, quantity):
    with pytest.raises(ShopError):
        cart.add("mug", quantity)
    assert len(cart) == 2


def test_removing_twice_does_no_harm(cart):
    cart.remove("mug")
    cart.remove("mug")
    assert len(cart) == 0


def test_lines_carry_products(cart, catalogue, mug):
    assert cart.lines(catalogue) == [Line(mug, 2)]


def test_lines_of_a_product_that_is_gone(cart, catalogue):
    cart.add("sofa")
    with pytest.raises(NotFound):
        cart.lines(catalogue)


def test_weight(mug, lamp):
    assert weight_of([Line(mug, 2), Line(lamp, 1)]) == 2700
