import pytest

from nestconf.tokens import logical_lines


@pytest.mark.parametrize(
    "text, lines",
    [
        ("a = 1\nb = 2, \\\n  3 \\", [(1, "a = 1"), (2, "b = 2, 3")]),
        ("a = 1\nb = 2 \\\n\n", [(1, "a = 1"), (2, "b = 2")]),
        ("\\", []),
        ("a = 1 \\\n# end", [(1, "a = 1")]),
        ("", []),
    ],
)
def test_lines(text, lines):
    assert list(logical_lines(text)) == lines


def test_value_is_kept(conf):
    assert conf("a = 1\nb = 2 \\")["b"] == "2"
