//! The program as people start it: what it prints, and its exit code.

mod layout;
mod mistake;
mod proof;

use crate::shop::{BROKEN_CART, BROKEN_SESSION, CART, FILES, File, HOPELESS, a_day_without_orders};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Runs the program with this environment and no other.
fn fixpoint(arguments: &[&str], environment: &[(&str, &str)], folder: &Path) -> Output {
    program(arguments, environment, folder).output().unwrap()
}

fn program(arguments: &[&str], environment: &[(&str, &str)], folder: &Path) -> Command {
    #[allow(clippy::disallowed_methods, reason = "the test plays a person at a terminal")]
    let mut program = Command::new(env!("CARGO_BIN_EXE_fixpoint"));
    program
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", folder);
    program
        .env("FIXPOINT__DATA__DIR", folder.join("data"))
        .envs(environment.iter().copied());
    program
}

fn write(repo: &Path, files: &[File]) {
    for (path, text) in files {
        let path = repo.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// Commits everything that is in the folder, which becomes a repository if it is none.
fn commit(repo: &Path, message: &str) {
    let who = ["-c", "user.name=ada", "-c", "user.email=ada@example.com"];
    let how = ["commit", "--quiet", "--allow-empty", "-m", message];
    let all: [&[&str]; 3] = [
        &["init", "--quiet", "--initial-branch=main"],
        &["add", "--all"],
        &[&who[..], &how[..]].concat(),
    ];
    for arguments in all {
        #[allow(clippy::disallowed_methods, reason = "the test plays a person at a terminal")]
        let done = Command::new("git")
            .arg("-C")
            .arg(repo)
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "git {arguments:?}: {}", text(&done.stderr));
    }
}

/// A repository with the shop, and with these files committed later.
fn shop(folder: &TempDir, later: &[File]) -> PathBuf {
    let repo = folder.path().join("shop");
    write(&repo, &FILES);
    commit(&repo, "Begin");
    write(&repo, later);
    commit(&repo, "Change");
    repo
}

/// `fixpoint fix --json` on the shop: exit code and the one object.
fn fix(later: &[File], arguments: &[&str]) -> (i32, Value) {
    let folder = TempDir::new().unwrap();
    fix_in(&shop(&folder, later), folder.path(), arguments)
}

fn fix_in(repo: &Path, folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let mut all = vec!["fix", "--json", "--repo", repo.to_str().unwrap()];
    all.extend(arguments);
    let output = fixpoint(&all, &[], folder);
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    let object =
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("not one object ({error}): {said}\n{complained}"));
    (output.status.code().unwrap(), object)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_proved_fix_is_one_object_a_branch_and_exit_code_0() {
    let folder = TempDir::new().unwrap();
    let repo = shop(&folder, &[BROKEN_CART]);
    let output = fixpoint(&["fix", "--json", "--repo", repo.to_str().unwrap()], &[], folder.path());
    let object: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    assert_eq!(
        (output.status.code(), &object["outcome"]),
        (Some(0), &Value::from("proved")),
        "{object:#}"
    );
    for key in [
        "outcome",
        "engine",
        "template",
        "files",
        "branch",
        "confidence",
        "evidence",
        "candidates_tried",
        "budget_exhausted",
        "wall_ms",
        "cpu_ms",
        "objections",
    ] {
        assert!(
            object.get(key).is_some_and(|value| !value.is_null()),
            "{key} is missing: {object:#}"
        );
    }
    let evidence = &object["evidence"];
    for key in [
        "command",
        "command_source",
        "reproduction",
        "after",
        "reruns",
        "tree_before",
        "tree_after",
    ] {
        assert!(
            evidence.get(key).is_some_and(|value| !value.is_null()),
            "evidence.{key} is missing: {evidence:#}"
        );
    }
    assert_eq!(
        (&evidence["reproduction"]["exit_code"], &evidence["after"]["exit_code"]),
        (&Value::from(1), &Value::from(0))
    );
    assert_eq!(evidence["reproduction"]["failed"].as_array().unwrap().len(), 1);
    assert_eq!(
        (
            &evidence["after"]["passed"],
            &evidence["after"]["failed"],
            &evidence["after"]["skipped"]
        ),
        (&7.into(), &0.into(), &0.into())
    );
    assert_eq!(
        (object["files"].as_array().unwrap().len(), &object["files"][0]["path"]),
        (1, &Value::from(CART.0))
    );
    assert_eq!(
        std::fs::read_to_string(repo.join(CART.0)).unwrap(),
        BROKEN_CART.1,
        "the working tree is untouched"
    );
    let branch = repo.join(".git/refs/heads").join(object["branch"].as_str().unwrap());
    assert!(branch.is_file(), "the branch is there");
}

#[test]
fn a_dry_run_leaves_no_branch() {
    let (code, object) = fix(&[BROKEN_CART], &["--dry-run"]);
    assert_eq!(
        (code, &object["outcome"], &object["branch"]),
        (0, &Value::from("proved"), &Value::Null),
        "{object:#}"
    );
}

#[test]
fn a_green_repository_is_not_reproduced_5() {
    let (code, object) = fix(&[], &[]);
    assert_eq!(
        (code, &object["outcome"]),
        (5, &Value::from("not_reproduced")),
        "{object:#}"
    );
}

#[test]
fn a_fix_in_a_blocked_place_is_refused_4() {
    let (code, object) = fix(&[BROKEN_SESSION], &[]);
    assert_eq!(
        (code, &object["outcome"], &object["branch"]),
        (4, &Value::from("refused"), &Value::Null),
        "{object:#}"
    );
    assert_eq!(object["objections"][0]["rule"], "blocked_path");
}

#[test]
fn what_no_small_change_mends_is_no_fix_3() {
    let (code, object) = fix(&HOPELESS, &["--budget", "5s"]);
    assert_eq!(
        (code, &object["outcome"], &object["files"]),
        (3, &Value::from("no_fix"), &serde_json::json!([])),
        "{object:#}"
    );
}

#[test]
fn a_command_that_runs_fewer_tests_or_gets_worse_proves_nothing() {
    let digest = ring::digest::digest(&ring::digest::SHA256, BROKEN_CART.1.as_bytes());
    let unchanged = format!(
        "python -c \"import hashlib, sys; sys.exit(hashlib.sha256(open('{}', 'rb').read()).hexdigest() != '{}')\"",
        CART.0,
        hex::encode(digest)
    );
    let fewer = format!("if {unchanged}; then python -m unittest discover; fi");
    let worse = format!("set +e; python -m unittest discover; failed=$?; {unchanged} || exit 9; exit $failed");
    for command in [fewer, worse] {
        let (code, object) = fix(&[BROKEN_CART], &["--budget", "10s", "--test", &command]);
        assert_eq!(
            (code, &object["outcome"], &object["branch"]),
            (3, &Value::from("no_fix"), &Value::Null),
            "{command}: {object:#}"
        );
    }
}

#[test]
fn a_command_that_does_not_exist_is_the_environment_7() {
    let (code, object) = fix(&[BROKEN_CART], &["--test", "no-such-runner --quickly"]);
    assert_eq!(
        (code, &object["outcome"]),
        (7, &Value::from("environment")),
        "{object:#}"
    );
}

#[test]
fn a_working_directory_that_is_none_is_the_environment_7() {
    for file in [
        "[test]\ncommand = 'python -m unittest'\nworking_directory = 'nowhere'\n",
        "[test]\ncommand = 'python -m unittest'\nworking_directory = '../shop'\n",
        "[test]\ncommand = 'python -m unittest'\nworking_directory = 'src\\shop'\n",
    ] {
        let (code, found) = fix(&[BROKEN_CART, (".fixpoint.toml", file)], &[]);
        assert_eq!((code, &found["outcome"]), (7, &"environment".into()), "{found}");
        let message = found["message"].as_str().unwrap();
        assert!(
            message.contains("working directory") && message.contains(".fixpoint.toml"),
            "{message}"
        );
    }
}

#[test]
fn without_tests_a_fix_is_unverified_9() {
    let folder = TempDir::new().unwrap();
    let repo = shop(&folder, &[BROKEN_CART]);
    let arguments = ["fix", "--json", "--repo", repo.to_str().unwrap()];
    let output = fixpoint(&arguments, &[("SENTRY_FIXER_RUN_TESTS", "false")], folder.path());
    let object: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    assert_eq!(
        (output.status.code(), &object["outcome"]),
        (Some(9), &Value::from("unverified")),
        "{object:#}"
    );
}

#[test]
fn an_event_is_reproduced_and_fixed() {
    let folder = TempDir::new().unwrap();
    let repo = shop(&folder, &[]);
    std::fs::write(folder.path().join("event.json"), a_day_without_orders().to_string()).unwrap();
    let output = fixpoint(
        &[
            "fix",
            "--json",
            "--event",
            "event.json",
            "--repo",
            repo.to_str().unwrap(),
        ],
        &[],
        folder.path(),
    );
    let object: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    assert_eq!(
        (output.status.code(), &object["outcome"]),
        (Some(0), &Value::from("proved")),
        "{object:#}"
    );
    assert!(
        object["evidence"]["reproduction"]["written_test"]["content"]
            .as_str()
            .unwrap()
            .contains("daily_summary")
    );
    assert!(object["branch"].as_str().unwrap().starts_with("fixpoint/sentry-"));
}

#[test]
fn an_event_whose_line_was_mended_since_its_release_is_already_fixed_8() {
    let folder = TempDir::new().unwrap();
    let repo = shop(&folder, &[]);
    let mut event = a_day_without_orders();
    event["release"] = format!("shop@{}", head(&repo)).into();
    std::fs::write(folder.path().join("event.json"), event.to_string()).unwrap();
    let report = std::fs::read_to_string(repo.join("src/shop/report.py")).unwrap();
    let mended = report.replace("/ len(prices)", "/ len(prices) if prices else 0");
    assert_ne!(mended, report);
    std::fs::write(repo.join("src/shop/report.py"), mended).unwrap();
    commit(&repo, "Mend");
    let event = folder.path().join("event.json");
    let (code, found) = fix_in(&repo, folder.path(), &["--event", event.to_str().unwrap()]);
    assert_eq!((code, &found["outcome"]), (8, &"already_fixed".into()), "{found}");
}

fn head(repo: &Path) -> String {
    #[allow(clippy::disallowed_methods, reason = "the test plays a person at a terminal")]
    let said = Command::new("git")
        .arg("-C")
        .arg(repo)
        .args(["rev-parse", "HEAD"])
        .output()
        .unwrap();
    text(&said.stdout).trim().to_owned()
}

#[test]
fn without_json_a_person_reads_the_diff() {
    let folder = TempDir::new().unwrap();
    let repo = shop(&folder, &[BROKEN_CART]);
    let output = fixpoint(&["fix", "--repo", repo.to_str().unwrap()], &[], folder.path());
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for part in [
        "proved",
        "-    if total > 50:",
        "+    if total >= 50:",
        "git show fixpoint/ci-",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
