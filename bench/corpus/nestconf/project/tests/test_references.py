import pytest

from nestconf import ReferenceError_


def test_from_the_top(conf):
    assert conf("root = /srv\nlog = ${root}/log")["log"] == "/srv/log"


def test_forward(conf):
    assert conf("a = ${b}${b}\nb = x")["a"] == "xx"


def test_nearest_section_wins(conf):
    settings = conf("name = top\n[a]\nname = mine\nx = ${name}\n[b]\nx = ${name}")
    assert settings["a.x"] == "mine"
    assert settings["b.x"] == "top"


def test_same_name_further_out(conf):
    assert conf("level = info\n[log]\nlevel = ${level}")["log.level"] == "info"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("${missing:-x}", "x"),
        ("${missing:-}", ""),
        ("${env.HOME:-/root}", "/home/me"),
        ("${env.NOPE:-/root}", "/root"),
        ("costs $$5", "costs $5"),
        ("$${a}", "${a}"),
    ],
)
def test_expand(conf, text, expected):
    assert conf(f"v = {text}", env={"HOME": "/home/me"})["v"] == expected


def test_unset(conf):
    with pytest.raises(ReferenceError_, match=r"<text>:2: \$\{nope\} is not set"):
        conf("a = 1\nb = ${nope}")


def test_circle(conf):
    with pytest.raises(ReferenceError_, match="a -> b -> c -> a"):
        conf("a = ${b}\nb = ${c}\nc = ${a}")


def test_diamond(conf):
    assert conf("a = ${b} ${c}\nb = ${d}\nc = ${d}\nd = x")["a"] == "x x"
