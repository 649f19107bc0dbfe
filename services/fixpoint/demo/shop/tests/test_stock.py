import pytest

from shop.errors import OutOfStock, ShopError
from shop.stock import to_reorder


def test_reserving_lowers_what_is_available(stock):
    stock.reserve({"mug": 5})
    assert stock.available("mug") == 15


def test_reserving_is_all_or_nothing(stock):
    with pytest.raises(OutOfStock, match="only 3 of lamp left"):
        stock.reserve({"mug": 1, "lamp": 4})
    assert stock.available("mug") == 20


def test_the_last_piece_can_be_reserved(stock):
    stock.reserve({"lamp": 3})
    assert stock.available("lamp") == 0


def test_shipping_takes_reserved_pieces(stock):
    stock.reserve({"mug": 5})
    stock.ship({"mug": 5})
    assert stock.available("mug") == 15


def test_only_reserved_pieces_are_shipped(stock):
    with pytest.raises(ShopError):
        stock.ship({"mug": 1})


def test_an_unknown_product_is_not_available(stock):
    assert stock.available("sofa") == 0


def test_an_empty_delivery_is_refused(stock):
    with pytest.raises(ShopError):
        stock.receive("mug", 0)


def test_to_reorder(stock):
    assert to_reorder(stock.levels()) == ["lamp"]
