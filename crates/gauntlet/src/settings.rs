//! What the system under trial is set to, and the secrets that it holds.

use github_sim::Sim;
use stand_in::{SlackStandIn, slack};

/// The login of the token that the system uses.
pub const BOT: &str = "fixpoint-bot";
/// Every secret that the system holds, by what it is called.
pub const SECRETS: [(&str, &str); 4] = [
    ("the GitHub token", "ghp_OneTokenForTheWholeGauntlet1234567"),
    ("GitHub's webhook secret", "a-webhook-secret-of-the-gauntlet"),
    ("Sentry's client secret", "a-client-secret-of-the-gauntlet"),
    ("Slack's token", slack::BOT_TOKEN),
];

/// The settings of the system under trial: as short as a bad day needs, and nothing that hides one.
pub fn of(github: &Sim, slack: &SlackStandIn, short: bool) -> Vec<(&'static str, String)> {
    let [(_, token), (_, github_secret), (_, sentry_secret), (_, slack_token)] = SECRETS;
    let heartbeat = if short { "5" } else { "30" };
    let texts = [
        ("GITHUB_TOKEN", token),
        ("GITHUB_WEBHOOK_SECRET", github_secret),
        ("SENTRY_WEBHOOK_SECRET", sentry_secret),
        ("SENTRY_FIXER_ENABLED", "true"),
        ("SENTRY_FIXER_MAX_RETRIES", "8"),
        ("GITHUB_API_URL", github.url()),
        ("SLACK_BOT_TOKEN", slack_token),
        ("SLACK_CHANNEL_ID", slack::CHANNEL),
        ("FIXPOINT__GITHUB__RETRY__LADDER_MS", "200,500,1000"),
        ("FIXPOINT__GITHUB__RETRY__PATIENCE_SECS", "15"),
        ("FIXPOINT__GITHUB__RETRY__SECONDARY_WAIT_SECS", "5"),
        ("FIXPOINT__GITHUB__CONNECT_TIMEOUT_SECS", "3"),
        ("FIXPOINT__GITHUB__TIMEOUT_SECS", "5"),
        ("FIXPOINT__PLANNER__BACKOFF_SECONDS", "1"),
        ("FIXPOINT__PLANNER__BACKOFF_MAX_SECONDS", "5"),
        ("FIXPOINT__PLANNER__BOT_LOGIN", BOT),
        ("FIXPOINT__PLANNER__HEARTBEAT_TIMEOUT_SECONDS", heartbeat),
        ("FIXPOINT__PROJECT__BUDGET_SECONDS", "30"),
    ];
    let mut all: Vec<(&str, String)> = texts.map(|(name, value)| (name, value.to_owned())).to_vec();
    all.push(("FIXPOINT__SLACK__API_URL", slack.api_url()));
    all
}
