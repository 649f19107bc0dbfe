from datetime import datetime, timedelta

import pytest

from cronlet import RetryPolicy


def test_due_in_its_minute(make_job, clock):
    assert make_job().scheduled_for(clock()) == clock.now


def test_made_up_for_within_grace(make_job, clock):
    due = clock.now
    clock.advance(minutes=5)
    assert make_job().scheduled_for(clock()) == due


def test_too_late_after_grace(make_job, clock):
    clock.advance(minutes=6)
    assert make_job().scheduled_for(clock()) is None


def test_not_twice_in_a_minute(make_job, clock):
    job = make_job(last_run=clock())
    clock.advance(seconds=30)
    assert job.scheduled_for(clock()) is None


def test_latest_of_several_missed(make_job, clock):
    job = make_job(rule="* * * * *")
    assert job.scheduled_for(clock()) == clock.now


def test_paused_is_never_due(make_job, clock):
    job = make_job()
    job.pause()
    assert job.scheduled_for(clock()) is None
    assert job.next_run(clock()) is None


def test_resume_does_not_make_up(make_job, clock):
    job = make_job()
    job.pause()
    clock.advance(minutes=2)
    job.resume(clock())
    assert job.scheduled_for(clock()) is None
    assert job.next_run(clock()) == datetime(2024, 3, 5, 9, 0)


def test_tags_are_normalised(make_job):
    assert make_job(tags=[" Nightly", "DB"]).tags == {"nightly", "db"}


@pytest.mark.parametrize(
    "policy, expected",
    [
        (RetryPolicy(), []),
        (RetryPolicy(attempts=4), [1.0, 2.0, 4.0]),
        (RetryPolicy(attempts=5, base=10, cap=30), [10, 20, 30, 30]),
        (RetryPolicy(attempts=3, factor=1), [1.0, 1.0]),
    ],
)
def test_delays(policy, expected):
    assert list(policy.delays()) == expected
    assert policy.total_delay() == sum(expected)


def test_attempts_must_be_positive():
    with pytest.raises(ValueError):
        RetryPolicy(attempts=0)


def test_grace_is_configurable(make_job, clock):
    job = make_job(grace=timedelta(hours=1))
    clock.advance(minutes=59)
    assert job.scheduled_for(clock()) == datetime(2024, 3, 4, 9, 0)
