from datetime import timedelta

import pytest

from nestconf import ConfigError, ConversionError, Settings, dumps, loads


def test_typed_access(sample):
    assert sample.get_int("server.port") == 8080
    assert sample.get_duration("server.timeout") == timedelta(seconds=90)
    assert sample.get_bool("server.tls.enabled") is True
    assert sample.get_list("server.tls.ciphers") == ["a", "b", "c"]


def test_defaults(sample):
    assert sample.get("nope") is None
    assert sample.get_int("nope", 3) == 3
    assert sample.get_bool("nope") is False
    assert sample.get_list("nope") == []
    assert sample.get_list("nope", ["x"]) == ["x"]


def test_conversion_names_the_setting(sample):
    with pytest.raises(ConversionError, match="server.host: 'localhost' is not a whole number"):
        sample.section("server").get_int("host")


def test_contains(sample):
    assert "server" in sample
    assert "server.tls.enabled" in sample
    assert "server.nope" not in sample
    assert "debug.nope" not in sample


def test_missing_key_has_full_name(sample):
    with pytest.raises(KeyError, match="server.tls.nope"):
        sample.section("server.tls")["nope"]


def test_section(sample):
    assert sample.section("server").sections() == ["tls"]
    assert list(sample.section("nope").items()) == []
    with pytest.raises(ConfigError):
        sample.section("debug")


def test_section_is_no_value(sample):
    with pytest.raises(ConversionError):
        sample.get("server")


def test_items(conf):
    settings = conf("[a]\nx = 1\n[a.b]\ny = 2\n[a]\nz = 3\n[c]\nw = 4")
    assert list(settings.items()) == [("a.x", "1"), ("a.z", "3"), ("a.b.y", "2"), ("c.w", "4")]


def test_merged(sample, conf):
    other = conf("[server]\nport = 9000\n[extra]\na = 1")
    merged = sample.merged(other)
    assert merged["server.port"] == "9000"
    assert merged["server.host"] == "localhost"
    assert merged["extra.a"] == "1"


def test_merged_changes_neither(sample, conf):
    other = conf("[server]\nport = 9000\n[extra]\na = 1")
    merged = sample.merged(other)
    assert sample["server.port"] == "8080"
    assert "extra" not in sample
    merged.section("extra")._tree["a"] = "2"
    assert other["extra.a"] == "1"


def test_section_wins_over_value():
    assert Settings({"a": "1"}).merged(Settings({"a": {"b": "2"}})).as_tree() == {"a": {"b": "2"}}


@pytest.mark.parametrize("value", ["plain", "two words", " pad ", "", "a#b", 'say "hi"', "back\\slash", "a\nb", "$5 ${x}"])
def test_round_trip(value):
    settings = Settings({"top": value, "s": {"deep": {"v": value}}})
    assert loads(dumps(settings)) == settings


def test_dumps(sample):
    assert dumps(sample.section("server")) == (
        "host = localhost\nport = 8080\ntimeout = 1m 30s\n\n[tls]\nenabled = yes\nciphers = a, b,, c\n"
    )
    assert dumps(Settings()) == ""
