import io

import pytest

from shop.wsgi import wsgi


@pytest.mark.parametrize("query, skus", [({"tag": "textile"}, ["apron", "scarf"]), ({"q": "mug"}, ["mug"]), ({"page": "2"}, [])])
def test_products(call, query, skus):
    answer = call("GET", "/products", **query)
    assert [product["sku"] for product in answer["body"]] == skus


def test_reviews(call):
    answer = call("GET", "/products/mug/reviews")
    assert answer == {
        "status": 200,
        "body": {"average": 4.5, "histogram": {5: 1, 4: 1, 3: 0, 2: 0, 1: 0}, "texts": ["Survives everything."]},
    }


def test_writing_a_review(call, ada):
    assert call("POST", "/products/lamp/reviews", {"stars": 5}, ada)["body"] == {"reviews": 1}
    assert call("GET", "/products/lamp/reviews")["body"]["average"] == 5.0


@pytest.mark.parametrize(
    "method, path, status",
    [("GET", "/nowhere", 404), ("DELETE", "/products", 404), ("GET", "/products/sofa/reviews", 404), ("GET", "/orders", 401), ("POST", "/cart", 401)],
)
def test_refusals(call, method, path, status):
    assert call(method, path)["status"] == status


def test_a_wrong_password(call):
    assert call("POST", "/login", {"email": "ada@example.org", "password": "guess"})["status"] == 401


def test_from_cart_to_order(call, ada):
    assert call("POST", "/cart", {"sku": "mug", "quantity": 3}, ada)["body"] == {"pieces": 3}
    quoted = call("GET", "/cart/quote", headers=ada, coupon="welcome10")["body"]
    assert quoted == {"goods": "33.75", "discount": "3.75", "shipping": "4.50", "total": "38.25"}
    assert call("POST", "/orders", {"coupon": "welcome10"}, ada)["body"] == {"number": 3, "total": "38.25"}
    assert [order["number"] for order in call("GET", "/orders", headers=ada)["body"]] == [3, 1]
    assert call("GET", "/cart/quote", headers=ada)["status"] == 400


def test_moving_house(call, ada):
    new = {"street": "Rue 1", "city": "Lyon", "postcode": "69001", "country": "FR"}
    assert call("PUT", "/account/address", new, ada)["body"]["label"] == "Ada\nRue 1\n69001 Lyon\nFR"
    assert "Lyon" in call("GET", "/account/label", headers=ada)["body"]["label"]


def test_reports(call):
    answer = call("GET", "/reports/best-sellers", limit="2")
    assert [row["sku"] for row in answer["body"]] == ["mug", "notebook"]
    assert call("GET", "/reports/restock")["body"] == {"reorder": []}


def test_wsgi(app):
    started = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/products",
        "QUERY_STRING": "q=mug",
        "wsgi.input": io.BytesIO(),
    }
    body = wsgi(app)(environ, lambda status, headers: started.append(status))
    assert started == ["200 OK"]
    assert b'"price": "12.50"' in b"".join(body)
