"""Keeping numbers in bounds."""


def clamp(value, low, high):
    return max(low, min(value, high))  # right
