//! The tables, as the migrations make them.
#![allow(
    clippy::wildcard_imports,
    reason = "the form that the macro expects; what is not a column type is not used"
)]

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{DbJson, DbTime, DbUuid};
    deliveries (id) {
        id -> DbUuid, provider -> Text, transport_id -> Nullable<Text>, semantic_key -> Text, event -> Text,
        received_at -> DbTime, payload -> Nullable<Binary>, decision -> Nullable<DbJson>,
    }
}
diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{DbJson, DbTime, DbUuid};
    incidents (id) {
        id -> DbUuid, repo -> Text, what -> Text, key_body -> DbJson, key_fingerprint -> Text, fingerprint -> Nullable<Text>,
        diagnosis -> Nullable<DbJson>, generation -> BigInt, merged_into -> Nullable<DbUuid>, state -> Text, title -> Text,
        url -> Nullable<Text>, first_seen -> DbTime, last_seen -> DbTime, seen -> BigInt,
    }
}
diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{DbJson, DbTime, DbUuid};
    jobs (id) {
        id -> DbUuid, incident_id -> DbUuid, delivery_id -> Nullable<DbUuid>, repo -> Text, kind -> Text, state -> Text,
        skip -> Nullable<DbJson>, retry -> BigInt, max_retries -> BigInt, not_before -> DbTime, fence -> BigInt,
        generation -> BigInt, outcome -> Nullable<Text>, message -> Nullable<Text>, branch -> Nullable<Text>, cause -> DbJson,
        project -> DbJson, created_at -> DbTime, updated_at -> DbTime, started_at -> Nullable<DbTime>,
        finished_at -> Nullable<DbTime>, trace -> Nullable<DbJson>,
    }
}
diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{DbJson, DbTime, DbUuid};
    attempts (id) {
        id -> DbUuid, job_id -> DbUuid, fence -> BigInt, retry -> BigInt, state -> Text, stage -> Nullable<Text>,
        percent -> BigInt, candidates -> BigInt, lines -> Nullable<DbJson>, worker -> Nullable<Text>, deadline -> DbTime,
        requested_at -> DbTime, claimed_at -> Nullable<DbTime>, heartbeat_at -> Nullable<DbTime>,
        finished_at -> Nullable<DbTime>, outcome -> Nullable<Text>, report -> Nullable<DbJson>, said_at -> Nullable<DbTime>,
    }
}
diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{DbTime, DbUuid};
    stages (attempt_id, fence, stage) {
        attempt_id -> DbUuid, fence -> BigInt, stage -> Text, entered_at -> DbTime, wall_ms -> Nullable<BigInt>,
        said_at -> Nullable<DbTime>,
    }
}
diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{DbTime, DbUuid};
    outbox (id) {
        id -> DbUuid, lane -> Text, subject -> Nullable<DbUuid>, envelope -> Binary, created_at -> DbTime, tries -> BigInt,
        next_try -> DbTime,
    }
}
diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{DbJson, DbTime, DbUuid};
    pull_requests (id) {
        id -> DbUuid, repo -> Text, number -> BigInt, job_id -> DbUuid, incident_id -> DbUuid, generation -> BigInt,
        branch -> Text, base -> Text, head_sha -> Text, state -> Text, draft -> Bool, draft_reasons -> DbJson, title -> Text,
        body -> Text, url -> Text, confidence -> Nullable<Double>, engine -> Nullable<Text>, class -> Nullable<Text>,
        additions -> BigInt, deletions -> BigInt, opened_at -> DbTime, merged_at -> Nullable<DbTime>,
        closed_at -> Nullable<DbTime>, changed_at -> Nullable<DbTime>, hands_off -> Bool, hands_off_by -> Nullable<Text>,
    }
}
diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{DbJson, DbTime, DbUuid};
    notices (id, channel) {
        id -> DbUuid, channel -> Text, job_id -> DbUuid, occasion -> Text, content -> DbJson, raised_at -> DbTime,
        delivered_at -> Nullable<DbTime>, external_id -> Nullable<Text>,
    }
}
diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{DbJson, DbTime, DbUuid};
    decisions (id) {
        id -> DbUuid, delivery_id -> Nullable<DbUuid>, incident_id -> Nullable<DbUuid>, job_id -> Nullable<DbUuid>,
        repo -> Nullable<Text>, code -> Text, reason -> DbJson, observed -> Text, would_change -> Text, decided_at -> DbTime,
    }
}
diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::DbTime;
    branch_heads (repo, branch) {
        repo -> Text, branch -> Text, head_sha -> Text, run_id -> Nullable<BigInt>, seen_at -> DbTime,
        replaced_sha -> Nullable<Text>,
    }
}
diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{DbTime, DbUuid};
    publish_leases (repo) {
        repo -> Text, attempt_id -> DbUuid, fence -> BigInt, expires_at -> DbTime,
    }
}
diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{DbTime, DbUuid};
    flaky_tests (id) {
        id -> DbUuid, repo -> Text, test -> Text, failed -> BigInt, runs -> BigInt, first_seen -> DbTime, last_seen -> DbTime,
    }
}
diesel::table! {
    use diesel::sql_types::*;
    use crate::store::types::{DbTime, DbUuid};
    leases (name) {
        name -> Text, holder -> DbUuid, expires_at -> DbTime,
    }
}
diesel::allow_tables_to_appear_in_same_query!(
    deliveries,
    incidents,
    jobs,
    attempts,
    stages,
    outbox,
    pull_requests,
    notices,
    decisions
);
