//! Flaky tests: those that gave both answers on the same code, with how often they failed in all runs that were counted.

use super::each;
use super::schema::flaky_tests;
use super::types::{Db, Id, Time, text};
use diesel::prelude::*;
use diesel::upsert::excluded;
use domain::attempt::{Outcome, Report};
use domain::evidence::FlakyTest;
use domain::fingerprint::Fingerprint;
use std::collections::BTreeMap;

/// One report adds so many tests at most.
const MOST: usize = 500;
/// A longer name would not fit into Postgres' index. It keeps its beginning and gets a fingerprint of the whole.
const LONGEST: usize = 1_000;

/// A row, in column order.
#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = flaky_tests)]
pub struct Flake {
    /// Ours.
    pub id: Id,
    /// The repository.
    pub repo: String,
    /// The framework's own name of the test.
    pub test: String,
    /// How often it failed …
    pub failed: i64,
    /// … in how many runs.
    pub runs: i64,
    /// When it was first reported.
    pub first_seen: Time,
    /// When it was last reported.
    pub last_seen: Time,
}

impl Flake {
    /// The share of runs that failed, between 0 and 1.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "counts of test runs are far below 2^52")]
    pub fn rate(&self) -> f64 {
        self.failed as f64 / self.runs as f64
    }
}

/// Adds what an attempt has seen of tests that give both answers.
///
/// # Errors
/// When the database fails.
pub fn reported(db: &mut Db, repo: &str, report: &Report, now: Time) -> QueryResult<()> {
    for (test, (failed, runs)) in counted(report) {
        let row = Flake {
            id: Id::new(),
            repo: repo.to_owned(),
            test,
            failed,
            runs,
            first_seen: now,
            last_seen: now,
        };
        let upsert = diesel::insert_into(flaky_tests::table)
            .values(&row)
            .on_conflict((flaky_tests::repo, flaky_tests::test))
            .do_update()
            .set((
                flaky_tests::failed.eq(flaky_tests::failed + excluded(flaky_tests::failed)),
                flaky_tests::runs.eq(flaky_tests::runs + excluded(flaky_tests::runs)),
                flaky_tests::last_seen.eq(excluded(flaky_tests::last_seen)),
            ));
        each!(db, c => upsert.execute(c))?;
    }
    Ok(())
}

/// Failures and runs by test. The order is that of the names, so that two reports of one repository take the rows in the
/// same order and never wait for each other.
fn counted(report: &Report) -> BTreeMap<String, (i64, i64)> {
    let mut counts = BTreeMap::<String, (i64, i64)>::new();
    let mut add = |test: &str, failed: i64, runs: i64| {
        if counts.len() < MOST && runs > 0 {
            let count = counts.entry(name(test)).or_default();
            *count = (count.0 + failed.min(runs), count.1 + runs);
        }
    };
    for FlakyTest { test, failed, runs } in report.evidence.iter().flat_map(|evidence| &evidence.flaky) {
        add(test.as_str(), i64::from(*failed), i64::from(*runs));
    }
    if report.outcome == Outcome::Flaky {
        // Such a report names the tests and not their counts. Both answers were seen, so one failure in two runs is certain.
        let runs = report
            .evidence
            .as_ref()
            .map_or(2, |evidence| i64::from(evidence.reruns) + 1);
        for test in report.diagnosis.iter().flat_map(|diagnosis| &diagnosis.failing_tests) {
            add(test.as_str(), 1, runs.max(2));
        }
    }
    counts
}

fn name(test: &str) -> String {
    if test.len() <= LONGEST {
        return text(test);
    }
    let kept = test.floor_char_boundary(LONGEST);
    text(&format!("{}… {}", &test[..kept], Fingerprint::of([test])))
}

/// What the API asks for.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Only this repository's.
    pub repo: Option<String>,
    /// Only those first seen before this one.
    pub before: Option<Id>,
    /// At most so many.
    pub limit: i64,
}

/// One page of flaky tests, the newest first.
///
/// # Errors
/// When the database fails.
pub fn page(db: &mut Db, page: &Page) -> QueryResult<Vec<Flake>> {
    let mut query = flaky_tests::table
        .order(flaky_tests::id.desc())
        .limit(page.limit)
        .into_boxed::<super::types::MultiBackend>();
    if let Some(repo) = &page.repo {
        query = query.filter(flaky_tests::repo.eq(repo.clone()));
    }
    if let Some(before) = page.before {
        query = query.filter(flaky_tests::id.lt(before));
    }
    query.load(db)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_stay_apart_and_fit() {
        let long = "t/".to_owned() + &"é".repeat(3_000);
        let (one, other) = (name(&format!("{long}1")), name(&format!("{long}2")));
        assert_ne!(one, other);
        assert!(one.len() < LONGEST + 30 && one.starts_with("t/é"), "{one}");
        assert_eq!(name("a::b\u{0}"), "a::b\u{fffd}");
    }
}
