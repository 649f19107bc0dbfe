"""What is in a cart, and what it costs."""


class Cart:
    def __init__(self):
        self.lines = []

    def add(self, name, price, quantity=1):
        if quantity < 1:
            raise ValueError("the quantity must be positive")
        self.lines.append((name, price, quantity))

    def total(self):
        return sum(price * quantity for _, price, quantity in self.lines)

    def to_pay(self):
        return self.total() + shipping(self.total())


def shipping(total):
    """Free from 50 on."""
    if total > 50:
        return 0
    return 5
