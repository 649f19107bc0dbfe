//! The planner's sections of the settings; config/default.toml says what each key means.

use crate::plan::admission;
use crate::plan::retry::BackOff;
use anyhow::{Context as _, Result, bail};
use chrono::Duration;
use domain::guardrail::Policy;
use domain::project::Project;
use domain::repo::{BranchName, RepoName};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The sections that the planner reads.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Settings {
    /// `[data]`
    #[serde(default)]
    pub data: Data,
    /// `[database]`
    #[serde(default)]
    pub database: Database,
    /// `[sentry]`
    #[serde(default)]
    pub sentry: Sentry,
    /// `[project]`
    #[serde(default)]
    pub project: ProjectDefaults,
    /// `[projects."owner/name"]`: what differs from `[project]`.
    #[serde(default)]
    pub projects: BTreeMap<String, Map<String, Value>>,
    /// `[github]`
    #[serde(default)]
    pub github: github::Settings,
    /// `[slack]`, of which the planner only says whether it is set up.
    #[serde(default)]
    pub slack: SlackPresence,
    /// `[planner]`
    #[serde(default)]
    pub planner: Planner,
}

/// `[data]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// Folder of everything that is kept.
    pub dir: PathBuf,
}

impl Default for Data {
    fn default() -> Self {
        Self { dir: ".data".into() }
    }
}

/// `[database]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `postgres://…` or `sqlite://path`; not set: a file in the data folder.
    pub url: Option<SecretString>,
    /// Connections at most.
    pub pool: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: None, pool: 8 }
    }
}

/// `[sentry]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sentry {
    /// Whether alerts become fixes.
    pub enabled: bool,
    /// Window for duplicates, in minutes.
    pub dedup_minutes: u32,
    /// Window for jobs of one incident, in minutes.
    pub rate_limit_minutes: u32,
    /// Retries of a failed attempt.
    pub max_retries: u32,
    /// Repository by the sender's project.
    pub projects: BTreeMap<String, String>,
}

impl Default for Sentry {
    fn default() -> Self {
        Self {
            enabled: false,
            dedup_minutes: 30,
            rate_limit_minutes: 60,
            max_retries: 3,
            projects: BTreeMap::new(),
        }
    }
}

/// `[project]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProjectDefaults {
    /// Owner of the repository that alerts are about.
    pub owner: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The branch that alerts are fixed on.
    pub base_branch: Option<String>,
    /// The test command.
    pub test_command: Option<String>,
    /// The command that builds the environment.
    pub setup_command: Option<String>,
    /// False makes every fix an unverified draft.
    pub run_tests: bool,
    /// Wall time for finding a fix, in seconds.
    pub budget_seconds: u64,
    /// What the branches of fixes begin with.
    pub branch_prefix: String,
    /// What a fix may touch.
    pub policy: Policy,
}

impl Default for ProjectDefaults {
    fn default() -> Self {
        Self {
            owner: None,
            name: None,
            base_branch: None,
            test_command: None,
            setup_command: None,
            run_tests: true,
            budget_seconds: 120,
            branch_prefix: "fixpoint/".into(),
            policy: Policy::default(),
        }
    }
}

/// `[slack]`; its owner is the notifier.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SlackPresence {
    /// An incoming webhook.
    pub webhook_url: Option<SecretString>,
    /// A bot token …
    pub bot_token: Option<SecretString>,
    /// … and its channel.
    pub channel_id: Option<String>,
}

impl SlackPresence {
    /// Whether one of the two ways is set up.
    #[must_use]
    pub const fn configured(&self) -> bool {
        self.webhook_url.is_some() || (self.bot_token.is_some() && self.channel_id.is_some())
    }
}

/// `[planner]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Planner {
    /// An attempt that has not ended after so long is given up.
    pub attempt_deadline_minutes: u32,
    /// A fixer that has said nothing for so long is taken for dead.
    pub heartbeat_timeout_seconds: u32,
    /// The wait before the first retry; each further one waits five times as long …
    pub backoff_seconds: u32,
    /// … up to this.
    pub backoff_max_seconds: u32,
    /// Whether failed CI runs become fixes.
    pub fix_ci: bool,
    /// The login that our pushes carry: `<app>[bot]`, or the token's user. Pushes of others to our branches are people's.
    pub bot_login: Option<String>,
    /// How long a granted right to write to a repository lasts, if it is not given back before.
    pub publish_lease_seconds: u32,
    /// Who is told: one message per channel.
    pub channels: Vec<String>,
    /// Deliveries that led to no job are forgotten after so many days.
    pub keep_deliveries_days: u32,
}

impl Default for Planner {
    fn default() -> Self {
        Self {
            attempt_deadline_minutes: 20,
            heartbeat_timeout_seconds: 30,
            backoff_seconds: 60,
            backoff_max_seconds: 3600,
            fix_ci: true,
            bot_login: None,
            publish_lease_seconds: 120,
            channels: vec!["slack".into()],
            keep_deliveries_days: 90,
        }
    }
}

impl Settings {
    /// The database's address.
    #[must_use]
    pub fn database_url(&self) -> SecretString {
        match &self.database.url {
            Some(url) if !url.expose_secret().is_empty() => url.clone(),
            _ => format!("sqlite://{}", self.data.dir.join("fixpoint.db").display()).into(),
        }
    }
}

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
        let mut branch_prefixes: Vec<String> = overrides
            .values()
            .chain([&settings.project])
            .map(|project| project.branch_prefix.clone())
            .collect();
        branch_prefixes.sort();
        branch_prefixes.dedup();
        if branch_prefixes.iter().any(String::is_empty) {
            bail!("project.branch_prefix is empty: our own branches could not be told from other people's");
        }
        let rules = Self {
            admission: admission::Rules {
                fix_alerts: settings.sentry.enabled,
                fix_runs: settings.planner.fix_ci,
                dedup: minutes(settings.sentry.dedup_minutes),
                rate_limit: minutes(settings.sentry.rate_limit_minutes),
                branch_prefixes,
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
            channels: settings.planner.channels.clone(),
            keep_deliveries: Duration::days(i64::from(settings.planner.keep_deliveries_days.max(4))),
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

    /// How the operator wants a repository treated.
    ///
    /// # Errors
    /// When a branch of the settings is not one.
    pub fn project(&self, repo: &RepoName) -> Result<Project> {
        let own = self
            .overrides
            .get(&repo.as_str().to_ascii_lowercase())
            .unwrap_or(&self.defaults);
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
        ] {
            let error = format!("{:#}", Rules::of(&settings(value)).unwrap_err());
            assert!(error.contains(named), "{error}");
        }
    }
}
