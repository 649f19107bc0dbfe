from datetime import datetime

import pytest

from cronlet import DependencyCycle, DuplicateJob, UnknownJob


@pytest.fixture
def filled(registry, make_job):
    registry.add(make_job("report", after=("load", "clean")))
    registry.add(make_job("load", tags=["db", "nightly"]))
    registry.add(make_job("clean", tags=["db"], after=("load",)))
    registry.add(make_job("ping", rule="*/10 * * * *"))
    return registry


def test_iterates_by_name(filled):
    assert [job.name for job in filled] == ["clean", "load", "ping", "report"]


def test_ordered_respects_after(filled):
    assert [job.name for job in filled.ordered()] == ["load", "clean", "ping", "report"]


def test_due_in_order(filled, clock):
    assert [job.name for job in filled.due(clock())] == ["load", "clean", "ping", "report"]


def test_due_leaves_out_the_rest(filled, clock):
    clock.advance(minutes=10)
    assert [job.name for job in filled.due(clock())] == ["ping"]


def test_tagged_needs_all(filled):
    assert [job.name for job in filled.tagged("db")] == ["clean", "load"]
    assert [job.name for job in filled.tagged("db", "Nightly")] == ["load"]


def test_duplicate_refused(filled, make_job):
    with pytest.raises(DuplicateJob):
        filled.add(make_job("load"))


def test_unknown_refused(filled):
    with pytest.raises(UnknownJob):
        filled.get("nope")


def test_remove_forgets_dependence(filled):
    filled.remove("clean")
    assert "clean" not in filled
    assert filled.get("report").after == ("load",)


def test_cycle_is_named(registry, make_job):
    registry.add(make_job("a", after=("b",)))
    registry.add(make_job("b", after=("c",)))
    registry.add(make_job("c", after=("b",)))
    with pytest.raises(DependencyCycle, match="b -> c -> b"):
        registry.ordered()


def test_diamond_is_not_a_cycle(registry, make_job):
    registry.add(make_job("top"))
    registry.add(make_job("left", after=("top",)))
    registry.add(make_job("right", after=("top",)))
    registry.add(make_job("end", after=("left", "right")))
    assert [job.name for job in registry.ordered()] == ["top", "left", "right", "end"]


def test_next_wakeup_groups(filled, clock):
    clock.advance(minutes=-5)
    assert filled.next_wakeup(clock()) == (
        datetime(2024, 3, 4, 9, 0),
        ["clean", "load", "ping", "report"],
    )


def test_no_wakeup_when_all_paused(registry, make_job, clock):
    registry.add(make_job()).pause()
    assert registry.next_wakeup(clock()) is None
