//! What is wrong with arguments, settings and streams: a sentence, and the exit code that says whose it is to mend.

use super::{fixpoint, program, shop, text};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Arguments, environment, and what the sentence names.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

#[test]
fn a_mistake_is_one_sentence_on_standard_error_and_exit_code_2() {
    let folder = TempDir::new().unwrap();
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let empty = empty.to_str().unwrap();
    std::fs::write(folder.path().join("event.json"), "{").unwrap();
    std::fs::write(folder.path().join("ci.log"), "all is well\n").unwrap();
    std::fs::write(folder.path().join("own.toml"), "[planner]\nback_off_seconds = 1\n").unwrap();
    std::fs::write(folder.path().join("list.json"), r#"{"data": [1]}"#).unwrap();
    std::fs::write(folder.path().join("text.json"), r#"{"data": "x"}"#).unwrap();
    std::fs::write(folder.path().join("bare.json"), "[1]").unwrap();
    let event = "it should hold a Sentry event, or the body of a Sentry webhook";
    let shop = shop(&folder, &[]);
    let shop = shop.to_str().unwrap();
    let cases: [Case; 17] = [
        (&["fix", "--repo", "/nowhere"], &[], "--repo /nowhere"),
        (&["fix", "--repo", empty], &[], "is not the root of a git repository"),
        (&["fix", "--budget", "soon"], &[], "--budget"),
        (
            &["fix", "--event", "event.json", "--repo", empty],
            &[],
            "--event event.json",
        ),
        (&["fix", "--event", "list.json", "--repo", empty], &[], event),
        (&["fix", "--event", "text.json", "--repo", empty, "--json"], &[], event),
        (&["fix", "--event", "bare.json", "--repo", empty], &[], event),
        (
            &["fix", "--repo", shop],
            &[("GITHUB_REPO_OWNER", "acme")],
            "GITHUB_REPO_NAME",
        ),
        (
            &["fix", "--repo", shop],
            &[("GITHUB_BASE_BRANCH", "a b")],
            "GITHUB_BASE_BRANCH",
        ),
        (
            &["fix", "--repo", shop],
            &[("FIXPOINT__PROJECT__BRANCH_PREFIX", "a b/")],
            "project.branch_prefix",
        ),
        (
            &["fix", "--repo", shop],
            &[("FIXPOINT__SANDBOX__BWRAP", "/nonexist")],
            "sandbox.bwrap is /nonexist",
        ),
        (&["fix", "--log", "ci.log", "--repo", empty], &[], "--log ci.log"),
        (
            &["fix", "--log", "missing.log", "--repo", empty],
            &[],
            "--log missing.log",
        ),
        (
            &["fix", "--config", "own.toml", "--repo", empty],
            &[],
            "planner.back_off_seconds",
        ),
        (
            &["fix", "--repo", empty],
            &[("SENTRY_FIXER_MAX_RETRIES", "many")],
            "SENTRY_FIXER_MAX_RETRIES",
        ),
        (&["up"], &[("PORT", "eighty")], "PORT"),
        (&["mend"], &[], "mend"),
    ];
    for (arguments, environment, named) in cases {
        let output = fixpoint(arguments, environment, folder.path());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(named), "{arguments:?}: {said}");
        if arguments.contains(&"--json") {
            let only: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(only["outcome"], "usage", "{arguments:?}");
        } else {
            assert!(output.stdout.is_empty(), "{arguments:?}: {}", text(&output.stdout));
        }
        // What clap says about arguments has its usual form, with the usage below the sentence.
        let ours = said.starts_with("fixpoint: ");
        assert!(!ours || said.trim_end().lines().count() == 1, "{arguments:?}: {said}");
    }
}

#[test]
fn settings_that_cannot_work_stop_the_start() {
    let folder = TempDir::new().unwrap();
    for (name, value, named) in [
        ("AMQP_URL", "carrier://pigeon", "bus.url"),
        ("GITHUB_REPO_OWNER", "acme", "project.name"),
        ("SLACK_BOT_TOKEN", "xoxb-1", "SLACK_CHANNEL_ID"),
        ("SLACK_CHANNEL_ID", "C1", "SLACK_BOT_TOKEN"),
        ("FIXPOINT__FIXER__WORKERS", "0", "FIXPOINT__FIXER__WORKERS"),
        (
            "FIXPOINT__INGEST__SPOOL__MAX_BYTES",
            "0",
            "FIXPOINT__INGEST__SPOOL__MAX_BYTES",
        ),
        ("FIXPOINT__SANDBOX__BWRAP", "/nonexist", "sandbox.bwrap"),
        ("FIXPOINT__TELEMETRY__LEVEL", "loudly", "telemetry.level"),
        (
            "FIXPOINT__TELEMETRY__OTLP_ENDPOINT",
            "not an address",
            "telemetry.otlp_endpoint",
        ),
    ] {
        let output = fixpoint(&["up", "--listen", "127.0.0.1:0"], &[(name, value)], folder.path());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(named), "{said}");
    }
}

#[test]
fn alerts_without_a_repository_are_warned_of() {
    let folder = TempDir::new().unwrap();
    let warned = |environment: &[(&str, &str)]| {
        // The address cannot be listened on, which ends the start after everything was looked at.
        let said = text(&fixpoint(&["up", "--listen", "nowhere"], environment, folder.path()).stderr);
        assert!(said.contains("server.listen"), "{said}");
        said.contains("GITHUB_REPO_OWNER") && said.contains("[sentry.projects]")
    };
    let enabled = ("SENTRY_FIXER_ENABLED", "true");
    assert!(warned(&[enabled]));
    let home = [("GITHUB_REPO_OWNER", "acme"), ("GITHUB_REPO_NAME", "shop")];
    assert!(!warned(&[enabled, home[0], home[1]]));
    assert!(!warned(&[]));
}

#[test]
fn standard_output_that_takes_nothing_is_a_sentence_and_no_panic() {
    let folder = TempDir::new().unwrap();
    let repo = shop(&folder, &[]);
    let repo = repo.to_str().unwrap();
    let full = |arguments: &[&str]| {
        let device = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = program(arguments, &[], folder.path())
            .stdout(Stdio::from(device))
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        (output.status.code(), text(&output.stderr))
    };
    for arguments in [&["fix", "--json", "--repo", repo][..], &["fix", "--repo", repo]] {
        let (code, said) = full(arguments);
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.contains("the outcome is not_reproduced, and it could not be written to standard output"),
            "{said}"
        );
    }
    let (code, said) = full(&["fix", "--json", "--repo", "/nowhere"]);
    assert_eq!(code, Some(2), "{said}");
    assert_eq!(full(&["--help"]).0, Some(0));
}

#[test]
fn a_partial_clone_is_told_how_to_become_a_full_one() {
    let folder = TempDir::new().unwrap();
    let full = format!("file://{}", shop(&folder, &[]).display());
    let git = |arguments: &[&str]| {
        #[allow(clippy::disallowed_methods, reason = "the test plays a person at a terminal")]
        let done = Command::new("git")
            .current_dir(folder.path())
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "git {arguments:?}: {}", text(&done.stderr));
    };
    git(&["-C", "shop", "config", "uploadpack.allowFilter", "true"]);
    git(&[
        "clone",
        "--quiet",
        "--filter=blob:none",
        "--no-checkout",
        &full,
        "partial",
    ]);
    let fix = || {
        let output = fixpoint(&["fix", "--repo", "partial"], &[], folder.path());
        (output.status.code(), text(&output.stderr))
    };
    let (code, said) = fix();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("git fetch --refetch --no-filter"), "{said}");
    git(&["-C", "partial", "fetch", "--quiet", "--refetch", "--no-filter"]);
    assert_eq!(fix().0, Some(5), "the shop is green");
}
