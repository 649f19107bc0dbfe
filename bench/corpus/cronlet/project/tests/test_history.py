from datetime import timedelta


def test_keeps_the_newest(history, make_run):
    for minute in range(7):
        history.add(make_run(minute=minute))
    assert [run.started.minute for run in history.of("job")] == [2, 3, 4, 5, 6]


def test_jobs_are_separate(history, make_run):
    history.add(make_run("b"))
    history.add(make_run("a"))
    history.add(make_run("b", minute=1))
    assert [run.job for run in history] == ["a", "b", "b"]


def test_last_success(history, make_run):
    history.add(make_run(minute=0))
    history.add(make_run(minute=1))
    history.add(make_run(minute=2, error="x"))
    assert history.last_success("job").started.minute == 1
    assert history.last_success("other") is None


def test_streak_ignores_skipped(history, make_run):
    history.add(make_run(minute=0))
    history.add(make_run(minute=1, error="x"))
    history.add(make_run(minute=2, error="y", skipped=True))
    history.add(make_run(minute=3, error="x"))
    assert history.failure_streak("job") == 2


def test_success_rate(history, make_run):
    assert history.success_rate("job") is None
    history.add(make_run())
    history.add(make_run(error="x"))
    history.add(make_run(error="later", skipped=True))
    assert history.success_rate("job") == 0.5


def test_average_duration(history, make_run):
    assert history.average_duration("job") is None
    history.add(make_run(seconds=10))
    history.add(make_run(seconds=20))
    history.add(make_run(seconds=600, error="x"))
    assert history.average_duration("job") == timedelta(seconds=15)
