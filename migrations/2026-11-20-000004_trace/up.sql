-- The trace of the signal that a job came of, so that what a tick does for the job belongs to it too.
alter table jobs add column trace jsonb;
