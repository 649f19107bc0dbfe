-- Tests that gave both answers on the same code, with everything that attempts have counted of them.
create table flaky_tests (
  id uuid primary key,
  repo text not null,
  test text not null,
  failed bigint not null check (failed >= 0),
  runs bigint not null check (runs >= 1),
  first_seen timestamptz not null,
  last_seen timestamptz not null,
  check (failed <= runs)
);
create unique index flaky_tests_by_name on flaky_tests (repo, test);
create index flaky_tests_by_repo on flaky_tests (repo, id);
