//! Tries to sneak a blocked path through: case, `..`, links, renames, unicode.

use domain::guardrail::{EntryKind, Policy, Rule, TreeChange, Unblockable, judge};
use domain::path::RepoPath;
use proptest::prelude::*;

fn edit(path: &str) -> TreeChange {
    TreeChange {
        path: path.into(),
        before: Some(EntryKind::File),
        after: Some(EntryKind::File),
        added: 1,
        removed: 1,
        bytes: 100,
    }
}

fn refused(changes: &[TreeChange]) -> bool {
    judge(&Policy::default(), changes, &[]).is_refused()
}

#[test]
fn ordinary_source_files_pass() {
    for path in [
        "src/shop/cart.py",
        "lib/author.js",
        ".env.example",
        "src/authors/list.py",
        "docs/secret.md",
        "src/testimonial.py",
        "src/latest.py",
    ] {
        assert_eq!(judge(&Policy::default(), &[edit(path)], &[]).objections, [], "{path}");
    }
}

#[test]
fn blocked_paths_are_refused() {
    for path in [
        "auth/login.py",
        "src/shop/AUTH/login.py",
        "src/Authentication/x.py",
        "db/migrations/0001.sql",
        "billing/a",
        "payment/a",
        "stripe/a",
        "secrets/a",
        "x/credentials/y",
        ".env",
        "config/.env.production",
        ".github/workflows/ci.yml",
        ".GitHub/Workflows/ci.yml",
        ".gitlab-ci.yml",
        "a/../auth/b",
        "/etc/passwd",
        "auth\u{200b}/x",
        "\u{ff41}uth/x",
        "auth./x",
        ".fixpoint.toml",
        "auth",
    ] {
        assert!(refused(&[edit(path)]), "{path:?}");
    }
}

#[test]
fn a_project_takes_out_auth_for_itself_and_never_secrets() {
    let policy = Policy {
        unblocked: vec![Unblockable::Auth],
        ..Policy::default()
    };
    assert!(!judge(&policy, &[edit("src/auth/login.py")], &[]).is_refused());
    assert!(judge(&policy, &[edit("src/billing/x.py")], &[]).is_refused());
    assert!(judge(&policy, &[edit("src/secrets/x.py")], &[]).is_refused());
}

#[test]
fn links_submodules_and_executable_bits_are_refused() {
    let link = |target: &str| TreeChange {
        before: None,
        after: Some(EntryKind::Link(target.into())),
        ..edit("src/way_in")
    };
    for target in ["../auth", "/etc/passwd", "cart.py", "../../.."] {
        assert!(refused(&[link(target)]), "{target}");
    }
    assert!(refused(&[TreeChange {
        after: Some(EntryKind::Submodule),
        ..edit("vendor/x")
    }]));
    assert!(refused(&[TreeChange {
        after: Some(EntryKind::Executable),
        ..edit("run.sh")
    }]));
    assert!(refused(&[TreeChange {
        before: Some(EntryKind::Link("../auth".into())),
        ..edit("src/way_in")
    }]));
}

#[test]
fn a_rename_into_or_out_of_a_blocked_directory_is_refused() {
    let gone = TreeChange {
        after: None,
        ..edit("auth/login.py")
    };
    let come = TreeChange {
        before: None,
        ..edit("src/login.py")
    };
    assert!(refused(&[gone, come]));
    let gone = TreeChange {
        after: None,
        ..edit("src/login.py")
    };
    let come = TreeChange {
        before: None,
        ..edit("auth/login.py")
    };
    assert!(refused(&[gone, come]));
}

#[test]
fn the_oracle_is_protected() {
    for path in [
        "tests/test_cart.py",
        "src/cart_test.go",
        "web/cart.test.ts",
        "pyproject.toml",
        "package.json",
        "src/conftest.py",
        "Makefile",
        "x.pth",
    ] {
        let verdict = judge(&Policy::default(), &[edit(path)], &[]);
        assert!(
            verdict.objections.iter().any(|o| o.rule == Rule::ProtectedOracle),
            "{path}"
        );
    }
    let added_test = TreeChange {
        before: None,
        ..edit("tests/test_new.py")
    };
    assert!(!refused(&[added_test]));
    let added_steering = TreeChange {
        before: None,
        ..edit("tests/conftest.py")
    };
    assert!(refused(&[added_steering]));
    let open = Policy {
        allow_test_edits: true,
        ..Policy::default()
    };
    let verdict = judge(&open, &[edit("tests/test_cart.py")], &[]);
    assert!(!verdict.is_refused());
    assert_eq!(verdict.draft_reasons.len(), 1);
    assert!(
        judge(
            &open,
            &[TreeChange {
                after: None,
                ..edit("tests/test_cart.py")
            }],
            &[]
        )
        .is_refused()
    );
}

#[test]
fn size_has_limits() {
    assert!(refused(&[TreeChange {
        added: 1_000,
        ..edit("a.py")
    }]));
    assert!(refused(&[TreeChange {
        bytes: 2 << 20,
        ..edit("a.py")
    }]));
    let many: Vec<_> = (0..11).map(|n| edit(&format!("src/f{n}.py"))).collect();
    assert!(refused(&many));
    assert!(refused(&[]));
}

#[test]
fn a_file_is_judged_by_all_its_names() {
    let link = |path: &str, target: &str| (RepoPath::parse(path).unwrap(), target.to_owned());
    let with = |links: &[(RepoPath, String)]| judge(&Policy::default(), &[edit("core/login/limits.py")], links);
    assert!(with(&[link("auth", "core/login")]).is_refused());
    assert!(with(&[link("conftest.py", "core/login/limits.py")]).is_refused());
    assert!(with(&[link("tests/same.py", "../core/login/limits.py")]).is_refused());
    assert!(with(&[link("b", "core"), link("billing", "b/login")]).is_refused());
    assert!(
        !with(&[
            link("auth", "core/log"),
            link("other", "core/login"),
            link("far", "/core/login")
        ])
        .is_refused()
    );
    assert!(!with(&[link("core/login/again", "..")]).is_refused());
    assert!(!with(&[link("tests/fixtures/app", "../../core")]).is_refused());
}

/// Ways in which some file system, or some reader, takes one name for another.
fn disguise(name: &'static str) -> impl Strategy<Value = String> {
    let letters: Vec<char> = name.chars().collect();
    let one = move |c: char| {
        let wide = if c.is_ascii_alphabetic() {
            char::from_u32(c as u32 + 0xfee0).unwrap()
        } else {
            c
        };
        prop_oneof![
            4 => Just(c.to_string()),
            2 => Just(c.to_uppercase().to_string()),
            1 => Just(wide.to_string()),
            1 => Just(format!("{c}\u{200b}")),
            1 => Just(format!("\u{feff}{c}")),
            1 => Just(format!("{c}\u{fe0f}")),
        ]
    };
    let strategies: Vec<_> = letters.into_iter().map(one).collect();
    (
        strategies,
        prop_oneof![4 => Just(""), 1 => Just("."), 1 => Just(" "), 1 => Just(".. ")],
    )
        .prop_map(|(parts, tail)| parts.concat() + tail)
}

fn blocked_name() -> impl Strategy<Value = String> {
    prop_oneof![
        disguise("auth"),
        disguise("authentication"),
        disguise("billing"),
        disguise("payment"),
        disguise("stripe"),
        disguise("secrets"),
        disguise("credentials"),
        disguise("migrations"),
        disguise(".env"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn no_disguise_gets_through(
        before in proptest::collection::vec("[a-z]{1,6}|\\.\\.|\\.", 0..3),
        name in blocked_name(),
        after in proptest::collection::vec("[a-zA-Z_]{1,6}", 1..3),
        how in 0..6,
    ) {
        let mut parts = before;
        parts.push(name);
        parts.extend(after);
        let path = parts.join("/");
        if how == 5 {
            // The change itself looks fine, and a link of the tree shows it under the blocked name.
            let Ok(link) = RepoPath::parse(&path) else { return Ok(()) };
            let target = "../".repeat(path.matches('/').count()) + "src/core";
            let verdict = judge(&Policy::default(), &[edit("src/core/limits.py")], &[(link, target)]);
            prop_assert!(verdict.is_refused(), "{path:?}");
            return Ok(());
        }
        let change = match how {
            0 => edit(&path),
            1 => TreeChange { before: None, ..edit(&path) },
            2 => TreeChange { after: None, ..edit(&path) },
            3 => TreeChange { before: None, after: Some(EntryKind::Link(path.clone())), ..edit("src/link") },
            _ => TreeChange { after: Some(EntryKind::Executable), ..edit(&path) },
        };
        prop_assert!(judge(&Policy::default(), &[edit("src/fine.py"), change], &[]).is_refused(), "{path:?}");
    }
}
