-- Which of several planners does what only one may do at a time, and until when it may.
create table leases (
    name text primary key,
    holder uuid not null,
    expires_at timestamptz not null
);
