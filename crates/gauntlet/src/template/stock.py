"""What is in stock."""


def available(stock, name):
    return stock.get(name)  # right


def missing(stock, names):
    return [name for name in names if not available(stock, name)]
