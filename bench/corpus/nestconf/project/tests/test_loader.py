import pytest

from nestconf import IncludeError, ParseError, load


def test_sections_nest(sample):
    assert sample["server.tls.enabled"] == "yes"
    assert sample["debug"] == "no"


def test_later_wins(conf):
    assert conf("a = 1\na = 2")["a"] == "2"


def test_append(conf):
    settings = conf("a = 1\na += 2\nb += 3")
    assert settings.get_list("a") == ["1", "2"]
    assert settings.get_list("b") == ["3"]


def test_include_in_place(conf):
    settings = conf("a = 1\ninclude x\na = 3", {"x": "a = 2\nb = 2"})
    assert settings["a"] == "3"
    assert settings["b"] == "2"
    assert settings.sources == ("<text>", "x")


def test_include_goes_into_section(conf):
    settings = conf("[db]\ninclude x\nname = d", {"x": "user = u\n[pool]\nsize = 5"})
    assert settings["db.user"] == "u"
    assert settings["db.pool.size"] == "5"
    assert settings["db.name"] == "d"


def test_include_is_relative(tree):
    root = tree(main="include sub/one.conf", sub__one="include two.conf\ninclude ../three.conf", sub__two="a = 2", three="b = 3")
    settings = load(root / "main.conf")
    assert settings["a"] == "2"
    assert settings["b"] == "3"
    assert settings.sources == ("main.conf", "sub/one.conf", "sub/two.conf", "three.conf")


def test_missing_include(conf):
    with pytest.raises(IncludeError, match="<text>:2: nope does not exist"):
        conf("a = 1\ninclude nope")


def test_optional_include(conf):
    assert conf("try-include nope\na = 1")["a"] == "1"


def test_missing_inside_optional(conf):
    with pytest.raises(IncludeError, match="x:1: nope"):
        conf("try-include x", {"x": "include nope"})


def test_circle(conf):
    with pytest.raises(IncludeError, match="x -> y -> x is a circle"):
        conf("include x", {"x": "include y", "y": "include ./x"})


def test_same_file_twice_is_no_circle(conf):
    settings = conf("[a]\ninclude x\n[b]\ninclude x", {"x": "v = 1"})
    assert settings["a.v"] == settings["b.v"] == "1"


@pytest.mark.parametrize("text", ["a = 1\n[a]", "a.b = 1\na = 2", "a = 1\na.b = 2"])
def test_value_and_section(conf, text):
    with pytest.raises(ParseError):
        conf(text)


def test_load_missing_file(tmp_path):
    with pytest.raises(IncludeError, match="main.conf does not exist"):
        load(tmp_path / "main.conf")
