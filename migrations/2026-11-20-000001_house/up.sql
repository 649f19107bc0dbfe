-- One webhook request each. The semantic key knows a retry or a reconciled copy again; the transport id is not signed.
create table deliveries (
  id uuid primary key,
  provider text not null,
  transport_id text,
  semantic_key text not null,
  event text not null,
  received_at timestamptz not null,
  payload bytea,
  decision jsonb
);
create unique index deliveries_by_meaning on deliveries (provider, semantic_key);
create unique index deliveries_by_transport on deliveries (provider, transport_id) where transport_id is not null;
create index deliveries_by_time on deliveries (received_at);

-- One problem each. `key_fingerprint` is what the first signal is known by; `fingerprint` is bound by a diagnosis.
create table incidents (
  id uuid primary key,
  repo text not null,
  what text not null,
  key_body jsonb not null,
  key_fingerprint text not null,
  fingerprint text,
  diagnosis jsonb,
  generation bigint not null check (generation >= 1),
  merged_into uuid references incidents (id),
  state text not null check (state in ('open', 'resolved', 'merged')),
  title text not null,
  url text,
  first_seen timestamptz not null,
  last_seen timestamptz not null,
  seen bigint not null,
  check ((state = 'merged') = (merged_into is not null))
);
create unique index incidents_by_key on incidents (key_fingerprint);
create index incidents_by_merge on incidents (merged_into) where merged_into is not null;
-- Two live incidents never have the same cause: the second is merged into the first.
create unique index incidents_by_cause on incidents (repo, fingerprint) where fingerprint is not null and merged_into is null;

create table jobs (
  id uuid primary key,
  incident_id uuid not null references incidents (id),
  delivery_id uuid references deliveries (id),
  repo text not null,
  kind text not null check (kind in ('fix', 'analyse', 'validate')),
  state text not null check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'skipped')),
  skip jsonb,
  retry bigint not null,
  max_retries bigint not null,
  not_before timestamptz not null,
  fence bigint not null,
  generation bigint not null,
  outcome text,
  message text,
  branch text,
  cause jsonb not null,
  project jsonb not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  check ((state = 'skipped') = (skip is not null)),
  check ((state in ('queued', 'running')) = (finished_at is null)),
  check (retry >= 0 and retry <= max_retries)
);
create unique index jobs_one_active on jobs (incident_id) where state in ('queued', 'running');
create index jobs_due on jobs (state, not_before);
create index jobs_by_state on jobs (state, id);
create index jobs_by_repo on jobs (repo, id);
create index jobs_by_incident on jobs (incident_id, id);
create index jobs_by_branch on jobs (repo, branch) where branch is not null;
create index jobs_by_delivery on jobs (delivery_id) where delivery_id is not null;

create table attempts (
  id uuid primary key,
  job_id uuid not null references jobs (id),
  fence bigint not null,
  retry bigint not null,
  state text not null check (state in ('requested', 'running', 'finished', 'lost')),
  stage text,
  percent bigint not null check (percent between 0 and 100),
  candidates bigint not null,
  lines jsonb,
  worker text,
  deadline timestamptz not null,
  requested_at timestamptz not null,
  claimed_at timestamptz,
  heartbeat_at timestamptz,
  finished_at timestamptz,
  outcome text,
  report jsonb
);
create unique index attempts_one_live on attempts (job_id) where state in ('requested', 'running');
create index attempts_by_deadline on attempts (state, deadline);
create index attempts_by_heartbeat on attempts (state, heartbeat_at);
create index attempts_by_job on attempts (job_id, id);

-- A re-claimed attempt runs its stages again under a newer fence.
create table stages (
  attempt_id uuid not null references attempts (id),
  fence bigint not null,
  stage text not null,
  entered_at timestamptz not null,
  wall_ms bigint,
  primary key (attempt_id, fence, stage)
);

-- What was committed and must still be said. Ids sort by time, and a lane is published in the order of its ids.
create table outbox (
  id uuid primary key,
  lane text not null,
  subject uuid,
  envelope bytea not null,
  created_at timestamptz not null,
  tries bigint not null,
  next_try timestamptz not null
);
create index outbox_by_lane on outbox (lane, id);
create index outbox_by_subject on outbox (subject) where subject is not null;

create table pull_requests (
  id uuid primary key,
  repo text not null,
  number bigint not null,
  job_id uuid not null references jobs (id),
  incident_id uuid not null references incidents (id),
  generation bigint not null,
  branch text not null,
  base text not null,
  head_sha text not null,
  state text not null check (state in ('open', 'merged', 'closed')),
  draft boolean not null,
  draft_reasons jsonb not null,
  title text not null,
  body text not null,
  url text not null,
  confidence double precision,
  engine text,
  class text,
  additions bigint not null,
  deletions bigint not null,
  opened_at timestamptz not null,
  merged_at timestamptz,
  closed_at timestamptz,
  changed_at timestamptz,
  hands_off boolean not null,
  hands_off_by text
);
create unique index pull_requests_by_number on pull_requests (repo, number);
-- One pull request per incident and generation.
create unique index pull_requests_by_generation on pull_requests (incident_id, generation);
create index pull_requests_by_branch on pull_requests (repo, branch);
create index pull_requests_by_state on pull_requests (state, id);
create index pull_requests_by_repo on pull_requests (repo, id);
create index pull_requests_by_record on pull_requests (state, engine);
create index pull_requests_by_job on pull_requests (job_id);

create table notices (
  id uuid not null,
  channel text not null,
  job_id uuid not null references jobs (id),
  occasion text not null,
  content jsonb not null,
  raised_at timestamptz not null,
  delivered_at timestamptz,
  external_id text,
  primary key (id, channel)
);
-- The same thing is never said twice over one channel.
create unique index notices_by_occasion on notices (job_id, occasion, channel);

-- Why not: one row for every signal that led to no attempt, and every attempt that was refused its pull request.
create table decisions (
  id uuid primary key,
  delivery_id uuid,
  incident_id uuid,
  job_id uuid,
  repo text,
  code text not null,
  reason jsonb not null,
  observed text not null,
  would_change text not null,
  decided_at timestamptz not null
);
create index decisions_by_incident on decisions (incident_id, id);
create index decisions_by_job on decisions (job_id, id);
create index decisions_by_code on decisions (code, id);
create index decisions_by_repo on decisions (repo, id);
create index decisions_by_delivery on decisions (delivery_id);

create table branch_heads (
  repo text not null,
  branch text not null,
  head_sha text not null,
  run_id bigint,
  seen_at timestamptz not null,
  primary key (repo, branch)
);

-- Who may write to a repository at the moment.
create table publish_leases (
  repo text primary key,
  attempt_id uuid not null,
  fence bigint not null,
  expires_at timestamptz not null
);
