import pytest

from nestconf import IncludeError, load


def test_optional(tmp_path):
    (tmp_path / "site").write_text("")
    (tmp_path / "main.conf").write_text("a = 1\ntry-include site/local.conf\nb = 2\n")
    assert dict(load(tmp_path / "main.conf").items()) == {"a": "1", "b": "2"}


def test_required(tmp_path):
    (tmp_path / "site").write_text("")
    (tmp_path / "main.conf").write_text("include site/local.conf\n")
    with pytest.raises(IncludeError, match="main.conf:1: site/local.conf does not exist"):
        load(tmp_path / "main.conf")
