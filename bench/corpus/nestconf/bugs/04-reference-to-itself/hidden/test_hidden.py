import pytest

from nestconf import ReferenceError_


def test_outer_value(conf):
    settings = conf("dir = /srv\n[a]\ndir = ${dir}/a\n[a.b]\ndir = ${dir}/b")
    assert settings["a.dir"] == "/srv/a"
    assert settings["a.b.dir"] == "/srv/a/b"


def test_default_for_itself(conf):
    assert conf("level = ${level:-info}")["level"] == "info"


def test_alone_it_is_not_set(conf):
    with pytest.raises(ReferenceError_, match="is not set"):
        conf("[a]\nx = ${x}")


def test_real_circles_are_found(conf):
    with pytest.raises(ReferenceError_, match="x -> y -> x"):
        conf("x = ${y}\ny = ${x}")
