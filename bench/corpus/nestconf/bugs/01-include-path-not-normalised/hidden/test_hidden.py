import pytest

from nestconf import IncludeError


def test_dots_are_the_same_file(conf):
    files = {"d/x": "include ../y", "y": "include d/./x"}
    with pytest.raises(IncludeError, match="d/x -> y -> d/x is a circle"):
        conf("include d/x", files)


def test_sources_are_normalised(conf):
    settings = conf("include ./a/../b\ninclude a/c", {"b": "v = 1", "a/c": "include ../e/f", "e/f": "w = 2"})
    assert settings.sources == ("<text>", "b", "a/c", "e/f")
    assert (settings["v"], settings["w"]) == ("1", "2")
