def test_base_is_untouched(conf):
    base = conf("top = 1\n[a]\nx = 1\n[a.b]\ny = 1")
    before = base.as_tree()
    over = conf("top = 2\n[a]\nx = 2\n[a.b]\ny = 2\nz = 3")
    merged = base.merged(over)
    assert base.as_tree() == before
    assert merged.as_tree() == {"top": "2", "a": {"x": "2", "b": {"y": "2", "z": "3"}}}


def test_result_is_independent(conf):
    base, over = conf("[a]\nx = 1\n[k]\nq = 0"), conf("[a]\ny = 2\n[n]\nz = 3")
    merged = base.merged(over)
    for section in ("a", "k", "n"):
        merged.section(section)._tree["new"] = "9"
    assert "a.new" not in base and "k.new" not in base
    assert "a.new" not in over and "n.new" not in over
