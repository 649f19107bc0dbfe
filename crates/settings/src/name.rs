//! The names that people know from elsewhere, and the keys that they set.

/// How a documented name's value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As the key's own type.
    Same,
    /// One entry of a list, commas and all.
    One,
    /// The port of an address, whose host stays.
    Port,
    /// A yes makes the log verbose.
    Verbose,
}

/// Name, key, how it is read.
pub(crate) const DOCUMENTED: [(&str, &str, Kind); 20] = [
    ("SENTRY_WEBHOOK_SECRET", "ingest.sentry_secrets", Kind::One),
    ("SENTRY_FIXER_ENABLED", "sentry.enabled", Kind::Same),
    (
        "SENTRY_FIXER_RATE_LIMIT_MINUTES",
        "sentry.rate_limit_minutes",
        Kind::Same,
    ),
    ("SENTRY_FIXER_DEDUP_MINUTES", "sentry.dedup_minutes", Kind::Same),
    ("SENTRY_FIXER_MAX_RETRIES", "sentry.max_retries", Kind::Same),
    ("SENTRY_FIXER_RUN_TESTS", "project.run_tests", Kind::Same),
    ("SENTRY_FIXER_TEST_COMMAND", "project.test_command", Kind::Same),
    ("GITHUB_WEBHOOK_SECRET", "ingest.github_secrets", Kind::One),
    ("GITHUB_TOKEN", "github.auth.token", Kind::Same),
    ("GITHUB_REPO_OWNER", "project.owner", Kind::Same),
    ("GITHUB_REPO_NAME", "project.name", Kind::Same),
    ("GITHUB_BASE_BRANCH", "project.base_branch", Kind::Same),
    ("GITHUB_API_URL", "github.api_url", Kind::Same),
    ("SLACK_WEBHOOK_URL", "slack.webhook_url", Kind::Same),
    ("SLACK_BOT_TOKEN", "slack.bot_token", Kind::Same),
    ("SLACK_CHANNEL_ID", "slack.channel_id", Kind::Same),
    ("DATABASE_URL", "database.url", Kind::Same),
    ("AMQP_URL", "bus.url", Kind::Same),
    ("PORT", "server.listen", Kind::Port),
    ("DEBUG", "telemetry.level", Kind::Verbose),
];

/// The name that people know a key by, `GITHUB_TOKEN` for `github.auth.token`.
#[must_use]
pub fn documented_name(key: &str) -> Option<&'static str> {
    DOCUMENTED
        .iter()
        .find(|(_, of, kind)| *of == key && matches!(kind, Kind::Same | Kind::One))
        .map(|(name, _, _)| *name)
}

/// Every such name with the key that it sets.
pub fn documented_names() -> impl Iterator<Item = (&'static str, &'static str)> {
    DOCUMENTED.iter().map(|(name, key, _)| (*name, *key))
}

/// `FIXPOINT__SENTRY__DEDUP_MINUTES` for `sentry.dedup_minutes`.
pub(crate) fn own_name(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

/// The other way round; `None` when the name is not ours.
pub(crate) fn key_of_own(name: &str) -> Option<String> {
    Some(name.strip_prefix(PREFIX)?.to_lowercase().replace("__", "."))
}

const PREFIX: &str = "FIXPOINT__";

/// Whether a value is not to be repeated in a message.
pub(crate) fn is_secret(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key);
    ["secret", "token", "private_key", "password", "webhook_url", "proxy"]
        .iter()
        .any(|part| last.contains(part))
        || ["bus.url", "database.url"].contains(&key)
}
