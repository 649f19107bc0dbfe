from datetime import timedelta

import pytest

from nestconf import Option, Schema, SchemaError


def test_values(schema, sample):
    assert schema.apply(sample) == {
        "debug": False,
        "server.host": "localhost",
        "server.port": 8080,
        "server.timeout": timedelta(seconds=90),
        "server.tls.enabled": True,
        "server.tls.ciphers": ["a", "b", "c"],
    }


def test_defaults(schema, conf):
    values = schema.apply(conf("[server]\nhost = h"))
    assert values["server.port"] == 80
    assert values["server.timeout"] is None


def test_all_problems_at_once(schema, conf):
    with pytest.raises(SchemaError) as caught:
        schema.apply(conf("debug = maybe\n[server]\nport = 0\nhots = x"))
    assert caught.value.problems == [
        "debug: 'maybe' is neither yes nor no",
        "server.host is missing",
        "server.port must be at least 1",
        "server.hots is not known, did you mean server.host?",
    ]


@pytest.mark.parametrize("port, good", [(1, True), (65535, True), (65536, False), (0, False)])
def test_bounds(schema, conf, port, good):
    settings = conf(f"[server]\nhost = h\nport = {port}")
    if good:
        assert schema.apply(settings)["server.port"] == port
    else:
        with pytest.raises(SchemaError):
            schema.apply(settings)


def test_choices_of_a_list(schema, conf):
    with pytest.raises(SchemaError, match="must be one of a, b, c, not x"):
        schema.apply(conf("[server]\nhost = h\n[server.tls]\nciphers = a, x"))


def test_lenient(conf):
    assert Schema([Option("a")], strict=False).apply(conf("a = 1\nb = 2")) == {"a": "1"}


def test_unknown_kind():
    with pytest.raises(ValueError):
        Option("a", "number")
