-- The commit that the newest push of a branch replaced, so that a run of it is known to be old: other commits that nobody has
-- told of may be those of a push that was missed.
alter table branch_heads add column replaced_sha text;
