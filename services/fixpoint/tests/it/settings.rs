//! One file documents every setting: it loads for every service, and every name that people know from elsewhere works.

use secrecy::ExposeSecret as _;
use settings::{Settings, Source};
use std::collections::BTreeSet;

#[test]
fn the_default_file_loads_for_every_service() {
    let source = Source::default();
    let all = Settings::load(&source).unwrap();
    assert!(ingest::Settings::read(&all).unwrap().sentry_secrets.is_empty());
    let planner: planner::Settings = settings::load(&source).unwrap();
    assert!(planner::settings::Rules::of(&planner).unwrap().admission.fix_runs);
    assert_eq!(fixer::Settings::read(&all).unwrap().workers, 1);
    assert!(
        all.section::<notifier::Settings>("slack")
            .unwrap()
            .webhook_url
            .is_none()
    );
    assert_eq!(
        all.section::<bus::Settings>("bus").unwrap().url.expose_secret(),
        "memory://"
    );
    all.section::<telemetry::Settings>("telemetry").unwrap();
}

/// Everything that a documented name can change, as text: what the services read, secrets opened.
fn seen(source: &Source) -> Vec<(&'static str, String)> {
    let all = Settings::load(source).unwrap();
    let doors = ingest::Settings::read(&all).unwrap();
    let planner: planner::Settings = settings::load(source).unwrap();
    let slack: notifier::Settings = all.section("slack").unwrap();
    let secret = |secret: &Option<secrecy::SecretString>| {
        secret
            .as_ref()
            .map_or_else(String::new, |secret| secret.expose_secret().to_owned())
    };
    let secrets = |all: &[secrecy::SecretString]| {
        all.iter()
            .map(|one| one.expose_secret().to_owned())
            .collect::<Vec<_>>()
            .join("|")
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        ("SENTRY_WEBHOOK_SECRET", secrets(&doors.sentry_secrets)),
        ("GITHUB_WEBHOOK_SECRET", secrets(&doors.github_secrets)),
        ("PORT", doors.listen.rsplit(':').next().unwrap().to_owned()),
        (
            "SENTRY_FIXER_ENABLED",
            (planner.sentry.enabled && doors.sentry_enabled).to_string(),
        ),
        (
            "SENTRY_FIXER_RATE_LIMIT_MINUTES",
            planner.sentry.rate_limit_minutes.to_string(),
        ),
        ("SENTRY_FIXER_DEDUP_MINUTES", planner.sentry.dedup_minutes.to_string()),
        ("SENTRY_FIXER_MAX_RETRIES", planner.sentry.max_retries.to_string()),
        ("SENTRY_FIXER_RUN_TESTS", planner.project.run_tests.to_string()),
        ("SENTRY_FIXER_TEST_COMMAND", text(&planner.project.test_command)),
        ("GITHUB_REPO_OWNER", text(&planner.project.owner)),
        ("GITHUB_REPO_NAME", text(&planner.project.name)),
        ("GITHUB_BASE_BRANCH", text(&planner.project.base_branch)),
        ("GITHUB_TOKEN", secret(&planner.github.auth.token)),
        ("GITHUB_API_URL", planner.github.api_url.clone()),
        ("DATABASE_URL", planner.database_url().expose_secret().to_owned()),
        ("SLACK_WEBHOOK_URL", secret(&slack.webhook_url)),
        ("SLACK_BOT_TOKEN", secret(&slack.bot_token)),
        ("SLACK_CHANNEL_ID", text(&slack.channel_id)),
        (
            "AMQP_URL",
            all.section::<bus::Settings>("bus")
                .unwrap()
                .url
                .expose_secret()
                .to_owned(),
        ),
        (
            "DEBUG",
            format!("{:?}", all.section::<telemetry::Settings>("telemetry").unwrap()),
        ),
    ]
}

/// Every documented name with a value that is not the default.
const DOCUMENTED: [(&str, &str); 20] = [
    ("SENTRY_WEBHOOK_SECRET", "a,b c"),
    ("GITHUB_WEBHOOK_SECRET", "d,e f"),
    ("PORT", "9191"),
    ("SENTRY_FIXER_ENABLED", "true"),
    ("SENTRY_FIXER_RATE_LIMIT_MINUTES", "61"),
    ("SENTRY_FIXER_DEDUP_MINUTES", "31"),
    ("SENTRY_FIXER_MAX_RETRIES", "4"),
    ("SENTRY_FIXER_RUN_TESTS", "false"),
    ("SENTRY_FIXER_TEST_COMMAND", "pnpm test"),
    ("GITHUB_REPO_OWNER", "acme"),
    ("GITHUB_REPO_NAME", "shop"),
    ("GITHUB_BASE_BRANCH", "develop"),
    ("GITHUB_TOKEN", "ghp_x"),
    ("GITHUB_API_URL", "https://github.example/api/v3"),
    ("DATABASE_URL", "postgres://fixpoint@db/fixpoint"),
    ("SLACK_WEBHOOK_URL", "https://slack.example/services/T/B/x"),
    ("SLACK_BOT_TOKEN", "xoxb-1"),
    ("SLACK_CHANNEL_ID", "C1"),
    ("AMQP_URL", "amqp://broker"),
    ("DEBUG", "true"),
];

#[test]
fn every_documented_name_sets_what_it_says_and_nothing_else() {
    let known: BTreeSet<&str> = settings::documented_names().map(|(name, _)| name).collect();
    assert_eq!(
        known,
        DOCUMENTED.iter().map(|(name, _)| *name).collect(),
        "a documented name without a row here"
    );
    let default = seen(&Source::default());
    for (name, value) in DOCUMENTED {
        let set = seen(&Source::default().environment([(name, value)]));
        for ((what, now), (_, before)) in set.iter().zip(&default) {
            match (*what == name, name) {
                (true, "DEBUG") => assert!(now.contains("debug") && now != before, "{name}: {now}"),
                (true, _) => assert_eq!(now, value, "{name}"),
                (false, _) => assert_eq!(now, before, "{name} has changed {what}"),
            }
        }
    }
}

#[test]
fn a_mistake_is_one_sentence_that_names_the_setting() {
    for (name, value) in [
        ("SENTRY_FIXER_DEDUP_MINUTES", "soon"),
        ("SENTRY_FIXER_ENABLED", "perhaps"),
        ("PORT", "eighty"),
        ("DEBUG", "loudly"),
        ("FIXPOINT__PLANNER__BACKOFF", "1"),
        ("FIXPOINT__GITHUB__RETRY__LADDER_MS", "a,b"),
    ] {
        let error = Settings::load(&Source::default().environment([(name, value)]))
            .err()
            .unwrap_or_else(|| panic!("{name}={value} is accepted"))
            .to_string();
        assert!(error.contains(name) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn a_fixer_without_workers_is_refused() {
    let source = Source::default().environment([("FIXPOINT__FIXER__WORKERS", "0")]);
    let error = fixer::Settings::read(&Settings::load(&source).unwrap())
        .err()
        .unwrap()
        .to_string();
    assert!(error.starts_with("FIXPOINT__FIXER__WORKERS cannot be used"), "{error}");
}
