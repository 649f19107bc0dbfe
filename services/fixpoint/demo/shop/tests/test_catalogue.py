import pytest

from shop.catalogue import page
from shop.errors import NotFound, ShopError


def test_get_finds_a_product(catalogue, mug):
    assert catalogue.get("mug") == mug


def test_get_of_an_unknown_product(catalogue):
    with pytest.raises(NotFound, match="no product sofa"):
        catalogue.get("sofa")


def test_a_product_is_added_once(catalogue, mug):
    with pytest.raises(ShopError):
        catalogue.add(mug)
    assert len(catalogue) == 2


@pytest.mark.parametrize(
    "text, tag, found",
    [("", "", ["lamp", "mug"]), ("MUG", "", ["mug"]), (" desk ", "", ["lamp"]), ("", "office", ["lamp"]), ("mug", "office", [])],
)
def test_search(catalogue, text, tag, found):
    assert [product.sku for product in catalogue.search(text, tag)] == found


@pytest.mark.parametrize("number, size, skus", [(1, 1, ["lamp"]), (2, 1, ["mug"]), (3, 1, []), (1, 20, ["lamp", "mug"])])
def test_page(catalogue, number, size, skus):
    assert [product.sku for product in page(catalogue.search(), number, size)] == skus


def test_pages_are_counted_from_one(catalogue):
    with pytest.raises(ShopError):
        page(catalogue.search(), 0)
