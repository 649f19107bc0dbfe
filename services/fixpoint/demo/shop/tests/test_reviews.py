import pytest

from shop.errors import ShopError
from shop.reviews import Review, Reviews, average_stars, histogram


@pytest.fixture
def written():
    reviews = Reviews()
    for author, stars in (("ada", 5), ("bob", 4), ("cy", 4)):
        reviews.add(Review("mug", author, stars))
    return reviews.of("mug")


def test_average(written):
    assert average_stars(written) == 4.3


def test_histogram(written):
    assert histogram(written) == {5: 1, 4: 2, 3: 0, 2: 0, 1: 0}


@pytest.mark.parametrize("stars", [0, 6, -1])
def test_stars_are_one_to_five(stars):
    with pytest.raises(ShopError):
        Review("mug", "ada", stars)


def test_one_review_each():
    reviews = Reviews()
    reviews.add(Review("mug", "ada", 5))
    with pytest.raises(ShopError, match="already"):
        reviews.add(Review("mug", "ada", 1))
