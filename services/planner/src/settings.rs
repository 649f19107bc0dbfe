//! The planner's sections of the settings; config/default.toml says what each key means.

mod rules;

use domain::guardrail::Policy;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub use rules::Rules;

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
