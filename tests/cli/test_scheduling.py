"""Jobs by hand: run once, told how it went."""

from app.core.jobs import JOBS, Job, JobRun


def test_a_job_is_run_by_name_and_noted(run, session, clock):
    assert "“sweep-deadlines” has run" in run("jobs", "run", "sweep-deadlines").stdout
    assert session.get_one(JobRun, "sweep-deadlines").finished_at == clock()
    listed = {line.split()[0]: line for line in run("jobs", "list").stdout.splitlines()}
    assert set(listed) == set(JOBS)
    assert "error none" in listed["sweep-deadlines"]
    assert "never ran" in listed["send-notices"]


def test_an_unknown_job_is_told_with_those_there_are(run, app):
    told = run("jobs", "run", "sleep", fails=True).stderr
    assert "There is no job “sleep”" in told
    assert "sweep-deadlines" in told


def test_a_job_that_fails_fails_the_command(run, session):
    def stumble(_):
        raise LookupError

    JOBS["stumble"] = Job("stumble", JOBS["sweep-deadlines"].every, stumble)
    try:
        assert "The job “stumble” failed" in run("jobs", "run", "stumble", fails=True).stderr
    finally:
        del JOBS["stumble"]
    assert session.get_one(JobRun, "stumble").error == "LookupError"
