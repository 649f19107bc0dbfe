-- The commit that the newest push of a branch replaced, so that a run of it is known to be old.
alter table branch_heads add column replaced_sha text;
