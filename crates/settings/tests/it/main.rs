//! Which source wins, and the sentences that people read when a setting is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use settings::{DEFAULT, Settings, Source, documented_names};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentry {
    enabled: bool,
    dedup_minutes: u64,
    rate_limit_minutes: u64,
    max_retries: u32,
    projects: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Ingest {
    sentry_secrets: Vec<SecretString>,
    github_secrets: Vec<SecretString>,
    max_body_bytes: usize,
}

#[derive(Debug, Deserialize)]
struct Project {
    owner: Option<String>,
    base_branch: Option<String>,
    test_command: Option<String>,
    run_tests: Option<bool>,
    policy: Option<Policy>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Policy {
    allow_test_edits: bool,
    max_files: u32,
    blocked_paths: Vec<String>,
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn section<T: DeserializeOwned>(source: &Source, name: &str) -> T {
    Settings::load(source)
        .unwrap_or_else(|error| panic!("{error}"))
        .section(name)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// The sentence, with the file's path taken out.
fn sentence(source: &Source, path: Option<PathBuf>) -> String {
    let error = Settings::load(source).unwrap_err().to_string();
    path.map_or(error.clone(), |path| error.replace(&path.display().to_string(), "FILE"))
}

fn wrong(name: &str, value: &str) -> String {
    sentence(&Source::default().environment([(name, value)]), None)
}

fn wrong_in_file(text: &str) -> String {
    let file = file(text);
    sentence(&Source::default().file(file.path()), Some(file.path().into()))
}

#[test]
fn without_anything_the_defaults_hold() {
    let sentry: Sentry = section(&Source::default(), "sentry");
    assert_eq!(
        (
            sentry.enabled,
            sentry.dedup_minutes,
            sentry.rate_limit_minutes,
            sentry.max_retries
        ),
        (false, 30, 60, 3)
    );
    assert!(sentry.projects.is_empty());
    let project: Project = section(&Source::default(), "project");
    assert_eq!(
        (project.owner, project.base_branch, project.test_command),
        (None, None, None),
        "an empty text is not set"
    );
    assert_eq!(project.policy.unwrap().max_files, 10);
    assert_eq!(
        section::<Ingest>(&Source::default(), "ingest").max_body_bytes,
        25 * 1024 * 1024
    );
}

#[test]
fn the_command_line_wins_over_the_environment_over_the_file_over_the_defaults() {
    let file = file("sentry.dedup_minutes = 1\nsentry.rate_limit_minutes = 1\nsentry.max_retries = 1\n");
    let source = Source::default()
        .set("sentry.max_retries", "9")
        .environment([
            ("SENTRY_FIXER_MAX_RETRIES", "5"),
            ("SENTRY_FIXER_RATE_LIMIT_MINUTES", "5"),
            ("HOME", "/root"),
        ])
        .file(file.path());
    let sentry: Sentry = section(&source, "sentry");
    assert_eq!(
        (
            sentry.enabled,
            sentry.dedup_minutes,
            sentry.rate_limit_minutes,
            sentry.max_retries
        ),
        (false, 1, 5, 9)
    );
}

#[test]
fn our_own_name_wins_over_the_documented_one_and_empty_is_not_set() {
    let source = Source::default().environment([
        ("FIXPOINT__SENTRY__DEDUP_MINUTES", "7"),
        ("SENTRY_FIXER_DEDUP_MINUTES", "8"),
        ("SENTRY_FIXER_MAX_RETRIES", ""),
    ]);
    let sentry: Sentry = section(&source, "sentry");
    assert_eq!((sentry.dedup_minutes, sentry.max_retries), (7, 3));
}

#[test]
fn every_documented_name_sets_its_key_and_is_explained_in_the_default_file() {
    for (name, key) in documented_names() {
        assert!(DEFAULT.contains(&format!("[{name}")), "{name} is not explained");
        let value = match name {
            "SENTRY_FIXER_ENABLED" | "DEBUG" => "true",
            "SENTRY_FIXER_RUN_TESTS" => "false",
            "PORT" => "3002",
            name if name.ends_with("MINUTES") || name.ends_with("RETRIES") => "17",
            _ => "a-value, of some kind",
        };
        let (section, field) = key.rsplit_once('.').unwrap();
        let read = |source: &Source| {
            let values: BTreeMap<String, toml::Value> = Settings::load(source).unwrap().section(section).unwrap();
            values.get(field).map(ToString::to_string)
        };
        let set = read(&Source::default().environment([(name, value)]));
        assert_ne!(set, read(&Source::default()), "{name} sets nothing");
        let expected = match name {
            "DEBUG" => "\"debug\"".to_string(),
            "PORT" => "\"127.0.0.1:3002\"".into(),
            name if name.ends_with("WEBHOOK_SECRET") => format!("[\"{value}\"]"),
            _ if value.starts_with('a') => format!("\"{value}\""),
            _ => value.into(),
        };
        assert_eq!(set, Some(expected), "{name}");
    }
}

#[test]
fn only_some_sections_of_an_environment_may_be_taken() {
    let source = Source::default()
        .file("/does/not/exist.toml")
        .set("sentry.max_retries", "9")
        .environment([
            ("FIXPOINT__SENTRY__DEDUP_MINUTES", "7"),
            ("SENTRY_FIXER_MAX_RETRIES", "8"),
            ("FIXPOINT__INGEST__SPOOL__DIR", "/elsewhere"),
            ("FIXPOINT__SENTRIES", "1"),
        ])
        .only(&["sentry"]);
    let sentry: Sentry = section(&source, "sentry");
    assert_eq!((sentry.dedup_minutes, sentry.max_retries), (7, 3));
    let spool: BTreeMap<String, toml::Value> = section(&source, "ingest.spool");
    assert_eq!(spool["dir"].as_str(), Some("spool"));
}

#[test]
fn two_secrets_at_once_come_from_a_list() {
    let source = Source::default().environment([
        ("FIXPOINT__INGEST__SENTRY_SECRETS", "new, old"),
        ("GITHUB_WEBHOOK_SECRET", "with,comma"),
    ]);
    let ingest: Ingest = section(&source, "ingest");
    let exposed = |secrets: &[SecretString]| {
        secrets
            .iter()
            .map(|secret| secret.expose_secret().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(exposed(&ingest.sentry_secrets), ["new", "old"]);
    assert_eq!(
        exposed(&ingest.github_secrets),
        ["with,comma"],
        "a documented name holds one secret, whatever is in it"
    );
}

#[test]
fn a_repository_has_settings_of_its_own() {
    let file = file(
        "[projects.\"Acme/shop.py\"]\ntest_command = \"pytest -q\"\npolicy.allow_test_edits = true\n[sentry.projects]\nShop-Web = \"acme/shop\"\n",
    );
    let source = Source::default().file(file.path());
    let projects: BTreeMap<String, Project> = section(&source, "projects");
    let shop = &projects["Acme/shop.py"];
    assert_eq!(
        (shop.test_command.as_deref(), shop.run_tests),
        (Some("pytest -q"), None)
    );
    assert!(shop.policy.as_ref().unwrap().allow_test_edits);
    assert_eq!(section::<Sentry>(&source, "sentry").projects["Shop-Web"], "acme/shop");
}

#[test]
fn the_default_file_may_be_copied_and_given() {
    let file = file(DEFAULT);
    let (given, default) = (Source::default().file(file.path()), Source::default());
    let read = |source| settings::load::<toml::Table>(source).unwrap();
    assert_eq!(read(&given), read(&default));
}

#[test]
fn a_section_in_which_nothing_is_set_is_not_there() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct App {
        id: u64,
    }
    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Auth {
        app: Option<App>,
    }
    let read = |source: &Source| section::<Auth>(source, "github.auth").app;
    assert_eq!(read(&Source::default()), None);
    let source = Source::default().environment([("FIXPOINT__GITHUB__AUTH__APP__ID", "42")]);
    assert_eq!(read(&source), Some(App { id: 42 }));
    assert_eq!(
        wrong("FIXPOINT__GITHUB__RETRY__LADDER_MS", "1000,soon"),
        "FIXPOINT__GITHUB__RETRY__LADDER_MS is \"1000,soon\": a list of whole numbers is needed"
    );
}

#[test]
fn the_port_keeps_the_address_that_the_file_gives() {
    let file = file("server.listen = \"[::]:80\"\n");
    let source = Source::default().file(file.path()).environment([("PORT", "3002")]);
    assert_eq!(
        section::<BTreeMap<String, String>>(&source, "server")["listen"],
        "[::]:3002"
    );
}

#[test]
fn several_sections_are_read_at_once() {
    #[derive(Deserialize)]
    struct Service {
        ingest: Ingest,
        sentry: Sentry,
    }
    let service: Service = settings::load(&Source::default().environment([("SENTRY_WEBHOOK_SECRET", "s")])).unwrap();
    assert_eq!(
        (service.ingest.sentry_secrets.len(), service.sentry.max_retries),
        (1, 3)
    );
}

#[test]
fn a_wrong_variable_is_one_sentence() {
    assert_eq!(
        wrong("SENTRY_FIXER_RATE_LIMIT_MINUTES", "abc"),
        "SENTRY_FIXER_RATE_LIMIT_MINUTES is \"abc\": a whole number of minutes is needed"
    );
    assert_eq!(
        wrong("SENTRY_FIXER_DEDUP_MINUTES", "-5"),
        "SENTRY_FIXER_DEDUP_MINUTES is \"-5\": a whole number of minutes is needed"
    );
    assert_eq!(
        wrong("SENTRY_FIXER_ENABLED", "maybe"),
        "SENTRY_FIXER_ENABLED is \"maybe\": true or false is needed"
    );
    assert_eq!(
        wrong("PORT", "eighty"),
        "PORT is \"eighty\": a port from 0 to 65535 is needed"
    );
    assert_eq!(wrong("DEBUG", "app:*"), "DEBUG is \"app:*\": true or false is needed");
    assert_eq!(
        wrong("FIXPOINT__INGEST__SENTRY_BUDGET_MS", "1.5"),
        "FIXPOINT__INGEST__SENTRY_BUDGET_MS is \"1.5\": a whole number of milliseconds is needed"
    );
    assert_eq!(
        wrong("FIXPOINT__SENTRY__DEDUP", "5"),
        "FIXPOINT__SENTRY__DEDUP is no setting: did you mean FIXPOINT__SENTRY__DEDUP_MINUTES?"
    );
}

#[test]
fn a_wrong_file_is_one_sentence() {
    assert_eq!(
        wrong_in_file("[sentry]\ndedup_minutes = \"abc\""),
        "sentry.dedup_minutes in FILE is \"abc\": a whole number of minutes is needed"
    );
    assert_eq!(
        wrong_in_file("[sentry]\ndedupe_minutes = 5"),
        "sentry.dedupe_minutes in FILE is no setting: did you mean sentry.dedup_minutes?"
    );
    assert_eq!(
        wrong_in_file("[sentri]\nenabled = true"),
        "[sentri] in FILE is no setting: did you mean [sentry]?"
    );
    assert_eq!(
        wrong_in_file("[projects.\"a/b\"]\nrun_test = true"),
        "projects.a/b.run_test in FILE is no setting: did you mean project.run_tests?"
    );
    assert_eq!(
        wrong_in_file("[ingest]\nsentry_secrets = [5]"),
        "ingest.sentry_secrets in FILE is of the wrong kind: a list of texts is needed"
    );
    assert_eq!(
        wrong_in_file("[bus]\nurl = 5"),
        "bus.url in FILE is of the wrong kind: a text in quotes is needed"
    );
}

#[test]
fn a_file_that_is_no_toml_says_the_line_and_repeats_no_secret() {
    let message = wrong_in_file("[github.auth]\n\ntoken = ghp_hunter2\n");
    assert!(
        message.starts_with("the settings file FILE, line 3 is no TOML: "),
        "{message}"
    );
    assert!(!message.contains("hunter2"), "{message}");
    assert!(
        sentence(&Source::default().file("/does/not/exist.toml"), None).contains("/does/not/exist.toml cannot be read")
    );
}

#[test]
fn what_a_section_needs_and_nobody_has_set_is_named_as_people_know_it() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only its type matters")]
    struct GitHub {
        token: SecretString,
    }
    let settings = Settings::load(&Source::default()).unwrap();
    assert_eq!(
        settings.section::<GitHub>("github.auth").unwrap_err().to_string(),
        "github.auth.token (GITHUB_TOKEN) is not set, and is needed"
    );
    assert_eq!(
        settings.name_of("github.auth.token"),
        "github.auth.token (GITHUB_TOKEN)"
    );
}

#[test]
fn what_a_sections_owner_does_not_take_names_the_setting() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only its type matters")]
    struct Narrow {
        max_retries: u8,
    }
    let source = Source::default().environment([("SENTRY_FIXER_MAX_RETRIES", "300")]);
    let message = Settings::load(&source)
        .unwrap()
        .section::<Narrow>("sentry")
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "SENTRY_FIXER_MAX_RETRIES cannot be used: invalid value: integer `300`, expected u8"
    );
}
