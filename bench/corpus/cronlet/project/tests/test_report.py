from datetime import timedelta

import pytest

from cronlet.report import format_duration, line_for, overview, status_of, summary


@pytest.mark.parametrize(
    "parts, expected",
    [
        ({"seconds": 5}, "5s"),
        ({"minutes": 4, "seconds": 5}, "4m 5s"),
        ({"hours": 3, "seconds": 7}, "3h 7s"),
        ({"days": 2, "hours": 3, "minutes": 9}, "2d 3h"),
        ({"milliseconds": 120}, "120ms"),
    ],
)
def test_format_duration(parts, expected):
    assert format_duration(timedelta(**parts)) == expected


def test_status(history, make_job, make_run):
    job = make_job()
    assert status_of(job, history) == "new"
    history.add(make_run())
    assert status_of(job, history) == "ok"
    history.add(make_run(error="x"))
    assert status_of(job, history) == "failed"
    history.add(make_run(error="x"))
    history.add(make_run(error="x"))
    assert status_of(job, history) == "failing"
    job.pause()
    assert status_of(job, history) == "paused"


def test_line(history, make_job, make_run, clock):
    history.add(make_run(seconds=75))
    line = line_for(make_job("job"), history, clock())
    assert line.split() == ["job", "ok", "next", "in", "1d", "usual", "1m", "15s"]


def test_summary_names_failing(registry, history, make_job, make_run, clock):
    registry.add(make_job("a", tags=["db"]))
    registry.add(make_job("b"))
    history.add(make_run("b", error="x"))
    assert summary(registry, history, clock()).splitlines()[-1] == "needs attention: b"
    assert len(summary(registry, history, clock(), tag="db").splitlines()) == 1


def test_overview(registry, make_job, clock):
    assert overview(registry, clock()) == "nothing is scheduled"
    registry.add(make_job("a", rule="*/5 * * * *"))
    assert overview(registry, clock()) == "a in 5m"
