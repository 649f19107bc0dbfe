"""Routes: a request is a dictionary, so is the answer.

Request: method, path, query, headers (lower-case names), body. Answer: status, body.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Pattern, Tuple

from shop import catalogue, orders, reports, reviews, stock
from shop.auth import signed_in, verify_password
from shop.customers import Address, label
from shop.errors import NotFound, ShopError, Unauthorised
from shop.state import Shop

Request = Dict[str, Any]
Response = Dict[str, Any]
Handler = Callable[..., Any]

ROUTES: List[Tuple[str, Pattern[str], Handler]] = []


def route(method: str, pattern: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        ROUTES.append((method, re.compile(pattern + "$"), handler))
        return handler

    return register


@route("GET", "/products")
def list_products(shop: Shop, request: Request) -> Any:
    query = request["query"]
    found = shop.catalogue.search(query.get("q", ""), query.get("tag", ""))
    shown = catalogue.page(found, int(query.get("page", 1)))
    return [{"sku": product.sku, "name": product.name, "price": str(product.price)} for product in shown]


@route("GET", "/products/([a-z0-9-]+)/reviews")
def show_reviews(shop: Shop, request: Request, sku: str) -> Any:
    product = shop.catalogue.get(sku)
    written = shop.reviews.of(product.sku)
    return {
        "average": reviews.average_stars(written),
        "histogram": reviews.histogram(written),
        "texts": [review.text for review in written if review.text],
    }


@route("POST", "/products/([a-z0-9-]+)/reviews")
def write_review(shop: Shop, request: Request, sku: str) -> Any:
    session = signed_in(request["headers"], shop.sessions, shop.now())
    body = request["body"]
    product = shop.catalogue.get(sku)
    shop.reviews.add(reviews.Review(product.sku, session.email, int(body["stars"]), body.get("text", "")))
    return {"reviews": len(shop.reviews.of(sku))}


@route("POST", "/login")
def login(shop: Shop, request: Request) -> Any:
    customer = shop.customers.find(request["body"]["email"])
    if customer is None or not verify_password(request["body"]["password"], customer.password_hash):
        raise Unauthorised("unknown address or wrong password")
    return {"token": shop.sessions.open(customer.email, shop.now())}


@route("PUT", "/account/address")
def move(shop: Shop, request: Request) -> Any:
    session = signed_in(request["headers"], shop.sessions, shop.now())
    customer = shop.customers.move(session.email, Address(**request["body"]))
    return {"label": label(customer)}


@route("GET", "/account/label")
def show_label(shop: Shop, request: Request) -> Any:
    session = signed_in(request["headers"], shop.sessions, shop.now())
    return {"label": label(shop.customer(session.email))}


@route("POST", "/cart")
def add_to_cart(shop: Shop, request: Request) -> Any:
    session = signed_in(request["headers"], shop.sessions, shop.now())
    product = shop.catalogue.get(request["body"]["sku"])
    cart = shop.cart_of(session.email)
    cart.add(product.sku, int(request["body"].get("quantity", 1)))
    return {"pieces": len(cart)}


@route("GET", "/cart/quote")
def show_quote(shop: Shop, request: Request) -> Any:
    session = signed_in(request["headers"], shop.sessions, shop.now())
    query = request["query"]
    country = query.get("country", "DE")
    cart = shop.cart_of(session.email)
    quoted = orders.quote(
        cart, shop.catalogue, shop.coupons, country, shop.today(), query.get("coupon")
    )
    return {
        "goods": str(quoted.goods.due),
        "discount": str(quoted.goods.discount),
        "shipping": str(quoted.shipping),
        "total": str(quoted.total),
    }


@route("POST", "/orders")
def place_order(shop: Shop, request: Request) -> Any:
    session = signed_in(request["headers"], shop.sessions, shop.now())
    body = request["body"]
    cart = shop.cart_of(session.email)
    quoted = orders.quote(
        cart, shop.catalogue, shop.coupons, body.get("country", "DE"), shop.today(), body.get("coupon")
    )
    order = orders.checkout(shop.orders, shop.stock, cart, quoted, session.email, shop.today())
    return {"number": order.number, "total": str(order.total)}


@route("GET", "/orders")
def list_orders(shop: Shop, request: Request) -> Any:
    session = signed_in(request["headers"], shop.sessions, shop.now())
    return [{"number": order.number, "total": str(order.total)} for order in shop.orders.of(session.email)]


@route("GET", "/reports/best-sellers")
def show_best_sellers(shop: Shop, request: Request) -> Any:
    sold = reports.units_sold(shop.orders.all())
    rows = reports.best_sellers(sold, int(request["query"].get("limit", 5)))
    return [{"rank": rank, "sku": sku, "pieces": pieces} for rank, sku, pieces in rows]


@route("GET", "/reports/restock")
def show_restock(shop: Shop, request: Request) -> Any:
    return {"reorder": stock.to_reorder(shop.stock.levels())}


def ignore(error: Exception) -> None:
    """What happens with an unexpected error when nobody wants to know."""


class App:
    """Finds the route and answers; `report` is told about errors that are our fault."""

    def __init__(self, shop: Shop, report: Callable[[Exception], None] = ignore) -> None:
        self.shop = shop
        self.report = report

    def handle(self, request: Request) -> Response:
        try:
            return {"status": 200, "body": self.dispatch(request)}
        except ShopError as error:
            return {"status": error.status, "body": {"error": str(error)}}
        except Exception as error:
            self.report(error)
            return {"status": 500, "body": {"error": "something went wrong on our side"}}

    def dispatch(self, request: Request) -> Any:
        for method, pattern, handler in ROUTES:
            match = pattern.match(request["path"])
            if match and method == request["method"]:
                return handler(self.shop, request, *match.groups())
        raise NotFound(f"nothing at {request['path']}")


def utc_now() -> datetime:
    return datetime.now(timezone.utc)
