"""What the owner looks at in the morning."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Dict, Iterable, List, Mapping, Tuple

from shop.money import ZERO
from shop.orders import Order


def units_sold(orders: Iterable[Order]) -> Dict[str, int]:
    """Pieces per product; cancelled orders do not count."""
    sold: Counter = Counter()
    for order in orders:
        if order.status != "cancelled":
            sold.update(order.quantities)
    return dict(sold)


def best_sellers(sold: Mapping[str, int], limit: int = 5) -> List[Tuple[int, str, int]]:
    """(rank, product, pieces) of the products that sell best, at most `limit` of them."""
    ranked = sorted(sold.items(), key=lambda item: (-item[1], item[0]))
    rows = []
    for index in range(limit):
        sku, pieces = ranked[index]
        rows.append((index + 1, sku, pieces))
    return rows


def revenue_by_month(orders: Iterable[Order]) -> Dict[str, Decimal]:
    """Turnover per month, as `2026-03`."""
    months: Dict[str, Decimal] = {}
    for order in orders:
        if order.status != "cancelled":
            month = order.placed_on.strftime("%Y-%m")
            months[month] = months.get(month, ZERO) + order.total
    return dict(sorted(months.items()))
