from datetime import timedelta

import pytest

from nestconf import ConversionError
from nestconf.convert import to_bool, to_duration, to_int, to_list, to_size


@pytest.mark.parametrize("text, expected", [("Yes", True), ("on", True), ("1", True), (" OFF ", False), ("no", False)])
def test_bool(text, expected):
    assert to_bool(text) is expected


@pytest.mark.parametrize("text, expected", [("42", 42), ("-1", -1), ("0x1f", 31), ("1_000", 1000)])
def test_int(text, expected):
    assert to_int(text) == expected


@pytest.mark.parametrize(
    "text, seconds",
    [("90", 90), ("1.5", 1.5), ("250ms", 0.25), ("1h30m", 5400), ("1h 30m 5s", 5405), ("2D", 172800), ("1w", 604800)],
)
def test_duration(text, seconds):
    assert to_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "x", "5 apples", "1h x 5m", "h"])
def test_duration_refuses(text):
    with pytest.raises(ConversionError):
        to_duration(text)


@pytest.mark.parametrize(
    "text, size",
    [("10", 10), ("10b", 10), ("1k", 1000), ("1 KB", 1000), ("1KiB", 1024), ("1.5MiB", 1572864), ("2g", 2000000000)],
)
def test_size(text, size):
    assert to_size(text) == size


@pytest.mark.parametrize("convert", [to_bool, to_int, to_size])
def test_refused(convert):
    with pytest.raises(ConversionError):
        convert("maybe")


def test_list():
    assert to_list(" a, b ,,c") == ["a", "b", "c"]
    assert to_list("") == []
