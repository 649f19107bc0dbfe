from datetime import datetime

from cronlet import Rule


def test_either_is_enough():
    rule = Rule.parse("0 12 1,20 * wed")
    assert rule.matches(datetime(2024, 5, 1, 12, 0))
    assert rule.matches(datetime(2024, 5, 20, 12, 0))
    assert rule.matches(datetime(2024, 5, 22, 12, 0))
    assert not rule.matches(datetime(2024, 5, 21, 12, 0))


def test_one_restriction_is_kept():
    assert not Rule.parse("0 12 * * wed").matches(datetime(2024, 5, 2, 12, 0))
    assert not Rule.parse("0 12 7 * *").matches(datetime(2024, 5, 8, 12, 0))


def test_next_of_both():
    assert Rule.parse("0 0 13 * fri").next_after(datetime(2024, 5, 10, 0, 0)) == datetime(2024, 5, 13, 0, 0)
