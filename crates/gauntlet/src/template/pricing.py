"""What an order costs."""


def shipping(total):
    """Free from LARGER on."""
    if total >= LARGER:  # right
        return 0
    return SMALLER
