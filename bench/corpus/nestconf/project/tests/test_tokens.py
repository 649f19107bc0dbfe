import pytest

from nestconf.errors import ParseError, Place
from nestconf.tokens import Assign, Include, Section, logical_lines, statements, strip_comment, unquote

PLACE = Place("x", 1)


@pytest.mark.parametrize(
    "line, expected",
    [
        ("a = 1 # one", "a = 1"),
        ('a = "x # y"', 'a = "x # y"'),
        ('a = "x \\" # y" # z', 'a = "x \\" # y"'),
        ("# all", ""),
        ("plain  ", "plain"),
    ],
)
def test_strip_comment(line, expected):
    assert strip_comment(line) == expected


@pytest.mark.parametrize(
    "text, expected",
    [("plain", "plain"), ('"a b"', "a b"), ('"a\\"b\\\\"', 'a"b\\'), ('"\\n\\t"', "\n\t"), ('""', "")],
)
def test_unquote(text, expected):
    assert unquote(text, PLACE) == expected


@pytest.mark.parametrize("text", ['"', '"open', '"bad \\x"'])
def test_unquote_refuses(text):
    with pytest.raises(ParseError, match="x:1"):
        unquote(text, PLACE)


def test_continuation_keeps_first_line_number():
    text = "\na = 1, \\\n  2, \\\n  3\nb = 4\n"
    assert list(logical_lines(text)) == [(2, "a = 1, 2, 3"), (5, "b = 4")]


def test_continuation_at_the_end():
    assert list(logical_lines("a = 1 \\")) == [(1, "a = 1")]


def test_statements():
    text = '[a.b]\nkey = "x"\nkey += y\ninclude "my file"\ntry-include other\n'
    assert list(statements(text, "x")) == [
        Section(("a", "b"), Place("x", 1)),
        Assign(("key",), "x", False, Place("x", 2)),
        Assign(("key",), "y", True, Place("x", 3)),
        Include("my file", False, Place("x", 4)),
        Include("other", True, Place("x", 5)),
    ]


@pytest.mark.parametrize("text", ["[a", "[a..b]", "= 1", "just words", "1a = 2"])
def test_statements_refuse(text):
    with pytest.raises(ParseError):
        list(statements(text, "x"))
