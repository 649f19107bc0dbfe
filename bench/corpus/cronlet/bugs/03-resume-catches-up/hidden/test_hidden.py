from datetime import datetime, timedelta

from cronlet import Job

START = datetime(2024, 5, 8, 6, 0)


def test_nothing_is_made_up_after_resume():
    job = Job.create("a", "*/2 * * * *", lambda: None)
    job.pause()
    job.resume(START + timedelta(minutes=1))
    assert job.enabled
    assert job.scheduled_for(START + timedelta(minutes=1)) is None
    assert job.scheduled_for(START + timedelta(minutes=2)) == START + timedelta(minutes=2)


def test_others_still_make_up():
    job = Job.create("a", "0 6 * * *", lambda: None)
    assert job.scheduled_for(START + timedelta(minutes=3)) == START
