import textwrap

import pytest

from nestconf import Option, Schema, loads


@pytest.fixture
def conf():
    def build(text, files=None, env=None):
        files = {name: textwrap.dedent(body) for name, body in (files or {}).items()}
        return loads(textwrap.dedent(text), files, env)

    return build


@pytest.fixture
def sample(conf):
    return conf(
        """
        debug = no
        [server]
        host = localhost
        port = 8080
        timeout = 1m 30s
        [server.tls]
        enabled = yes
        ciphers = a, b,, c
        """
    )


@pytest.fixture
def tree(tmp_path):
    def write(**files):
        for name, body in files.items():
            path = tmp_path / name.replace("__", "/")
            path = path.with_name(path.name + ".conf")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(body), encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def schema():
    return Schema(
        [
            Option("debug", "bool", default=False),
            Option("server.host", required=True),
            Option("server.port", "int", default=80, low=1, high=65535),
            Option("server.timeout", "duration"),
            Option("server.tls.enabled", "bool", default=False),
            Option("server.tls.ciphers", "list", choices=("a", "b", "c")),
        ]
    )
