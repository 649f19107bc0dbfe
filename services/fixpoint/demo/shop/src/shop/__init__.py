"""A small shop: catalogue, carts, orders, shipping and reviews."""

__version__ = "1.4.0"
