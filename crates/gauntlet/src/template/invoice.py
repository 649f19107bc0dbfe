"""Lines of an invoice."""


def line(price, quantity):
    return price * quantity  # right


def total(lines):
    return sum(line(price, quantity) for price, quantity in lines)
