import pytest

from waybill import Window, WindowError
from waybill.window import first_fit, format_clock, parse_clock, union


@pytest.mark.parametrize(
    "text, minutes",
    [("9:30", 570), ("17", 1020), ("0:00", 0), ("24:00", 1440), ("5:30 pm", 1050), ("12 am", 0), ("12:15pm", 735)],
)
def test_parse_clock(text, minutes):
    assert parse_clock(text) == minutes


@pytest.mark.parametrize("text", ["", "25", "24:01", "9:60", "13 pm", "0am", "noon"])
def test_parse_clock_refuses(text):
    with pytest.raises(WindowError):
        parse_clock(text)


@pytest.mark.parametrize("minutes, text", [(0, "00:00"), (605.4, "10:05"), (1439.6, "00:00+1"), (1500, "01:00+1")])
def test_format_clock(minutes, text):
    assert format_clock(minutes) == text


@pytest.mark.parametrize("text", ["9", "12-9", "9-9", "9-25"])
def test_window_refuses(text):
    with pytest.raises(WindowError):
        Window.parse(text)


def test_wait_and_late():
    window = Window.parse("9-10")
    assert (window.wait_from(530), window.wait_from(550)) == (10, 0)
    assert (window.late_at(600), window.late_at(605)) == (0, 5)
    assert str(window) == "09:00-10:00"


def test_overlap():
    window = Window(60, 120)
    assert window.overlap(Window(90, 200)) == Window(90, 120)
    assert window.overlap(Window(0, 200)) == window
    assert window.overlap(Window(120, 200)) is None


def test_union():
    windows = [Window(300, 400), Window(0, 100), Window(50, 80), Window(100, 150)]
    assert union(windows) == [Window(0, 150), Window(300, 400)]


@pytest.mark.parametrize("minute, needed, expected", [(0, 30, 60), (70, 30, 70), (100, 30, 200), (70, 120, None), (90, 30, 90)])
def test_first_fit(minute, needed, expected):
    assert first_fit([Window(200, 300), Window(60, 120)], minute, needed) == expected
