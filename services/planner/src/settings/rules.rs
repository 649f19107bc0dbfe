//! The planner's settings, checked once and read as rules.

use super::{ProjectDefaults, Settings};
use crate::plan::admission;
use crate::plan::retry::BackOff;
use crate::store::publish_leases::Counted;
use anyhow::{Context as _, Result, bail};
use chrono::Duration;
use domain::project::Project;
use domain::repo::{BranchName, RepoName};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// GitHub lets a delivery be asked for again for three days: within them it has to be known again.
const KEPT_DAYS: RangeInclusive<u32> = 4..=36_500;
/// Room for every connection is set aside at the start.
const POOL: RangeInclusive<u32> = 1..=500;

/// The settings as rules: checked once, at the start.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Which signals lead to jobs.
    pub admission: admission::Rules,
    /// Waits between attempts.
    pub back_off: BackOff,
    /// Retries of a failed attempt.
    pub max_retries: u32,
    /// An attempt that has not ended after so long is given up.
    pub deadline: Duration,
    /// A fixer that has said nothing for so long is taken for dead.
    pub heartbeat: Duration,
    /// How long a right to write to a repository lasts.
    pub publish_lease: Duration,
    /// Whose calls GitHub's limits count together.
    pub counted: Counted,
    /// Who is told.
    pub channels: Vec<String>,
    /// Deliveries that led to no job are kept so long.
    pub keep_deliveries: Duration,
    home: Option<RepoName>,
    sentry_projects: BTreeMap<String, RepoName>,
    defaults: ProjectDefaults,
    overrides: BTreeMap<String, ProjectDefaults>,
}

impl Rules {
    /// Checks the settings.
    ///
    /// # Errors
    /// One sentence that names the setting that is wrong.
    pub fn of(settings: &Settings) -> Result<Self> {
        let home = match (&settings.project.owner, &settings.project.name) {
            (Some(owner), Some(name)) => Some(
                RepoName::parse(&format!("{owner}/{name}"))
                    .context("project.owner (GITHUB_REPO_OWNER) and project.name (GITHUB_REPO_NAME)")?,
            ),
            (None, None) => None,
            (Some(_), None) => bail!("project.name (GITHUB_REPO_NAME) is missing beside project.owner"),
            (None, Some(_)) => bail!("project.owner (GITHUB_REPO_OWNER) is missing beside project.name"),
        };
        let mut sentry_projects = BTreeMap::new();
        for (project, repo) in &settings.sentry.projects {
            sentry_projects.insert(
                project.clone(),
                RepoName::parse(repo).with_context(|| format!("sentry.projects.{project}"))?,
            );
        }
        let mut overrides = BTreeMap::new();
        for (repo, over) in &settings.projects {
            let name = RepoName::parse(repo).with_context(|| format!("projects.{repo}"))?;
            let mut all = serde_json::to_value(&settings.project)?;
            overlay(&mut all, &Value::Object(over.clone()));
            let project: ProjectDefaults = serde_json::from_value(all).with_context(|| format!("projects.{repo}"))?;
            overrides.insert(name.as_str().to_ascii_lowercase(), project);
        }
        let minutes = |minutes: u32| Duration::minutes(i64::from(minutes));
        let seconds = |seconds: u32| Duration::seconds(i64::from(seconds));
        for project in overrides.values().chain([&settings.project]) {
            if let Some(branch) = &project.base_branch {
                BranchName::parse(branch).context("project.base_branch (GITHUB_BASE_BRANCH)")?;
            }
            let sample = format!("{}ci-0-g1", project.branch_prefix);
            BranchName::parse(&sample).context("project.branch_prefix makes such branches")?;
        }
        if let Some(unknown) = settings
            .planner
            .channels
            .iter()
            .find(|name| !["slack", "log"].contains(&name.as_str()))
        {
            bail!("planner.channels names `{unknown}`, which nobody serves: slack and log are there");
        }
        if overrides
            .values()
            .chain([&settings.project])
            .any(|project| project.branch_prefix.is_empty())
        {
            bail!("project.branch_prefix is empty: our own branches could not be told from other people's");
        }
        within(
            "planner.keep_deliveries_days",
            settings.planner.keep_deliveries_days,
            KEPT_DAYS,
        )?;
        within("database.pool", settings.database.pool, POOL)?;
        let rules = Self {
            admission: admission::Rules {
                fix_alerts: settings.sentry.enabled,
                fix_runs: settings.planner.fix_ci,
                dedup: minutes(settings.sentry.dedup_minutes),
                rate_limit: minutes(settings.sentry.rate_limit_minutes),
                bot_login: settings.planner.bot_login.clone(),
            },
            back_off: BackOff {
                first: seconds(settings.planner.backoff_seconds),
                most: seconds(settings.planner.backoff_max_seconds),
            },
            max_retries: settings.sentry.max_retries,
            deadline: minutes(settings.planner.attempt_deadline_minutes.max(1)),
            heartbeat: seconds(settings.planner.heartbeat_timeout_seconds.max(1)),
            publish_lease: seconds(settings.planner.publish_lease_seconds.max(1)),
            counted: if settings.github.auth.app.is_some() {
                Counted::ByOwner
            } else {
                Counted::Together
            },
            channels: settings.planner.channels.clone(),
            keep_deliveries: Duration::days(i64::from(settings.planner.keep_deliveries_days)),
            home,
            sentry_projects,
            defaults: settings.project.clone(),
            overrides,
        };
        for repo in settings
            .projects
            .keys()
            .filter_map(|repo| RepoName::parse(repo).ok())
            .chain(rules.home.clone())
        {
            rules.project(&repo)?;
        }
        Ok(rules)
    }

    /// Where a sender's project has its code.
    #[must_use]
    pub fn repo_of(&self, project: Option<&str>) -> Option<&RepoName> {
        project
            .and_then(|project| self.sentry_projects.get(project))
            .or(self.home.as_ref())
    }

    fn own(&self, repo: &RepoName) -> &ProjectDefaults {
        self.overrides
            .get(&repo.as_str().to_ascii_lowercase())
            .unwrap_or(&self.defaults)
    }

    /// What our branches in a repository begin with.
    #[must_use]
    pub fn branch_prefix(&self, repo: &RepoName) -> &str {
        &self.own(repo).branch_prefix
    }

    /// How the operator wants a repository treated.
    ///
    /// # Errors
    /// When a branch of the settings is not one.
    pub fn project(&self, repo: &RepoName) -> Result<Project> {
        let own = self.own(repo);
        Ok(Project {
            repo: repo.clone(),
            base_branch: own
                .base_branch
                .as_deref()
                .map(BranchName::parse)
                .transpose()
                .context("project.base_branch (GITHUB_BASE_BRANCH)")?,
            test_command: own.test_command.clone(),
            setup_command: own.setup_command.clone(),
            run_tests: own.run_tests,
            policy: own.policy.clone(),
            branch_prefix: own.branch_prefix.clone(),
            budget_seconds: own.budget_seconds,
        })
    }
}

fn within(name: &str, given: u32, range: RangeInclusive<u32>) -> Result<()> {
    if !range.contains(&given) {
        bail!(
            "{name} is {given}: write a number from {} to {}",
            range.start(),
            range.end()
        );
    }
    Ok(())
}

fn overlay(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                overlay(under.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use secrecy::ExposeSecret as _;
    use serde_json::json;

    fn settings(value: Value) -> Settings {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_documented_defaults_are_read() {
        let read: Settings = ::settings::load(&::settings::Source::default().environment([
            ("GITHUB_REPO_OWNER", "acme"),
            ("GITHUB_REPO_NAME", "shop"),
            ("SENTRY_FIXER_ENABLED", "true"),
            ("SENTRY_FIXER_MAX_RETRIES", "5"),
            ("DATABASE_URL", "postgres://db/fixpoint"),
        ]))
        .unwrap();
        let rules = Rules::of(&read).unwrap();
        assert_eq!(
            (rules.max_retries, rules.admission.fix_alerts, rules.admission.dedup),
            (5, true, Duration::minutes(30))
        );
        assert_eq!(rules.repo_of(None).map(RepoName::as_str), Some("acme/shop"));
        assert_eq!(read.database_url().expose_secret(), "postgres://db/fixpoint");
        assert_eq!(rules.back_off.first, Duration::minutes(1));
        assert!(rules.project(rules.repo_of(None).unwrap()).unwrap().run_tests);
    }

    #[test]
    fn a_repository_may_differ_in_one_key() {
        let rules = Rules::of(&settings(json!({
            "project": {"owner": "acme", "name": "shop", "run_tests": false, "policy": {"max_files": 4}},
            "projects": {"Acme/Till": {"test_command": "pytest -q", "policy": {"allow_test_edits": true}}},
            "sentry": {"projects": {"till-web": "acme/till"}},
        })))
        .unwrap();
        let till = rules.project(rules.repo_of(Some("till-web")).unwrap()).unwrap();
        assert_eq!(
            (till.test_command.as_deref(), till.run_tests, till.policy.max_files),
            (Some("pytest -q"), false, 4)
        );
        assert!(till.policy.allow_test_edits);
        let shop = rules.project(rules.repo_of(Some("unheard of")).unwrap()).unwrap();
        assert_eq!(
            (shop.repo.as_str(), shop.test_command, shop.policy.allow_test_edits),
            ("acme/shop", None, false)
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (value, named) in [
            (json!({"project": {"owner": "acme"}}), "project.name"),
            (json!({"project": {"branch_prefix": ""}}), "project.branch_prefix"),
            (json!({"sentry": {"projects": {"web": "shop"}}}), "sentry.projects.web"),
            (json!({"projects": {"acme/shop": {"tests": "x"}}}), "projects.acme/shop"),
            (
                json!({"project": {"owner": "a", "name": "b", "base_branch": "-x"}}),
                "project.base_branch",
            ),
            (
                json!({"planner": {"keep_deliveries_days": 4_000_000_000_u32}}),
                "planner.keep_deliveries_days is 4000000000: write a number from 4 to 36500",
            ),
            (
                json!({"database": {"pool": 0}}),
                "database.pool is 0: write a number from 1 to 500",
            ),
        ] {
            let error = format!("{:#}", Rules::of(&settings(value)).unwrap_err());
            assert!(error.contains(named), "{error}");
        }
    }
}
