from datetime import datetime, timedelta

from cronlet import Job

DUE = datetime(2024, 5, 8, 6, 0)


def job(**options):
    return Job.create("a", "0 6 * * *", lambda: None, **options)


def test_exactly_at_the_end_of_grace():
    assert job(grace=timedelta(minutes=30)).scheduled_for(DUE + timedelta(minutes=30)) == DUE
    assert job(grace=timedelta(0)).scheduled_for(DUE) == DUE


def test_after_the_end():
    assert job(grace=timedelta(minutes=30)).scheduled_for(DUE + timedelta(minutes=31)) is None


def test_after_an_older_run():
    assert job(last_run=DUE - timedelta(days=1)).scheduled_for(DUE + timedelta(minutes=5)) == DUE


def test_not_twice():
    assert job(last_run=DUE).scheduled_for(DUE + timedelta(minutes=5)) is None
