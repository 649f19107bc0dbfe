import pytest

from nestconf import ReferenceError_, load, loads


def test_default_without_environment():
    assert loads("home = ${env.HOME:-/root}")["home"] == "/root"


def test_file_without_environment(tmp_path):
    (tmp_path / "a.conf").write_text("[x]\nv = ${env.NAME:-none}/y\n")
    assert load(tmp_path / "a.conf")["x.v"] == "none/y"


def test_without_default_it_is_not_set():
    with pytest.raises(ReferenceError_, match="is not set"):
        loads("home = ${env.HOME}")


def test_environment_is_used():
    assert loads("home = ${env.HOME:-/root}", env={"HOME": "/home/x"})["home"] == "/home/x"
