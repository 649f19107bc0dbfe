"""What can go wrong in a way that a customer should read."""


class ShopError(Exception):
    """A request that cannot be served; `status` is the answer's code."""

    status = 400


class NotFound(ShopError):
    status = 404


class OutOfStock(ShopError):
    status = 409


class Unauthorised(ShopError):
    status = 401
