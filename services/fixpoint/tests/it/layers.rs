//! The layers, over what cargo says: who may use what. The split is a security boundary, so it is a test and not a habit.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, NodeDep, PackageId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Every crate of ours with the crates of ours that its shipped code uses, at most.
const ALLOWED: [(&str, &[&str]); 17] = [
    ("domain", &[]),
    ("settings", &[]),
    ("telemetry", &[]),
    ("bus", &["domain"]),
    ("github", &["domain"]),
    ("sandbox", &[]),
    ("engines", &["domain", "sandbox"]),
    ("ingest", &["domain", "bus", "settings", "telemetry"]),
    ("planner", &["domain", "bus", "github", "settings", "telemetry"]),
    (
        "fixer",
        &["domain", "bus", "github", "engines", "sandbox", "settings", "telemetry"],
    ),
    ("notifier", &["domain", "bus", "settings", "telemetry"]),
    ("github-sim", &[]),
    ("stand-in", &[]),
    ("testkit", &["domain", "bus", "stand-in"]),
    ("fleet", &[]),
    ("gauntlet", &["domain", "bus", "fleet", "github-sim", "stand-in"]),
    (
        "fixpoint",
        &[
            "domain",
            "bus",
            "github",
            "github-sim",
            "engines",
            "sandbox",
            "settings",
            "telemetry",
            "stand-in",
            "fleet",
            "ingest",
            "planner",
            "fixer",
            "notifier",
        ],
    ),
];

static METADATA: LazyLock<Metadata> =
    LazyLock::new(|| MetadataCommand::new().no_deps().other_options(locked()).exec().unwrap());
static GRAPH: LazyLock<Graph> = LazyLock::new(Graph::read);

/// Nothing is fetched and nothing is changed.
fn locked() -> Vec<String> {
    vec!["--locked".to_owned()]
}

/// Who depends on whom in what is shipped: no dependencies of tests.
struct Graph {
    names: BTreeMap<PackageId, String>,
    edges: BTreeMap<PackageId, Vec<PackageId>>,
}

impl Graph {
    fn read() -> Self {
        let all = MetadataCommand::new().other_options(locked()).exec().unwrap();
        let shipped = |dep: &NodeDep| {
            dep.dep_kinds
                .iter()
                .any(|kind| kind.kind != DependencyKind::Development)
        };
        let nodes = all.resolve.unwrap().nodes;
        Self {
            names: all
                .packages
                .into_iter()
                .map(|package| (package.id, package.name.to_string()))
                .collect(),
            edges: nodes
                .into_iter()
                .map(|node| {
                    (
                        node.id,
                        node.deps.into_iter().filter(shipped).map(|dep| dep.pkg).collect(),
                    )
                })
                .collect(),
        }
    }

    /// Names of everything that a crate of ours is built of.
    fn below(&self, name: &str) -> BTreeSet<&str> {
        let root = METADATA
            .packages
            .iter()
            .find(|package| package.name == name)
            .unwrap_or_else(|| panic!("there is no crate {name}"));
        let (mut seen, mut left) = (BTreeSet::new(), vec![&root.id]);
        while let Some(id) = left.pop() {
            if seen.insert(id) {
                left.extend(&self.edges[id]);
            }
        }
        seen.into_iter().map(|id| self.names[id].as_str()).collect()
    }
}

/// The direct dependencies of a crate of ours, of one kind.
fn direct(name: &str, kind: DependencyKind) -> BTreeSet<String> {
    let package = METADATA.packages.iter().find(|package| package.name == name).unwrap();
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == kind)
        .map(|dependency| dependency.name.clone())
        .collect()
}

fn ours() -> BTreeSet<String> {
    METADATA
        .packages
        .iter()
        .map(|package| package.name.to_string())
        .collect()
}

#[test]
fn every_crate_uses_only_the_layers_below_it() {
    assert_eq!(
        ours(),
        ALLOWED.iter().map(|(name, _)| (*name).to_owned()).collect(),
        "a crate that nobody has given a layer"
    );
    for (name, allowed) in ALLOWED {
        let uses: BTreeSet<String> = direct(name, DependencyKind::Normal)
            .intersection(&ours())
            .cloned()
            .collect();
        let allowed: BTreeSet<String> = allowed.iter().map(|one| (*one).to_owned()).collect();
        let more: Vec<_> = uses.difference(&allowed).collect();
        assert!(more.is_empty(), "{name} uses {more:?}");
        assert!(
            direct(name, DependencyKind::Build).is_disjoint(&ours()),
            "{name} is built with crates of ours"
        );
    }
}

#[test]
fn services_never_use_each_other_not_even_in_tests() {
    for service in ["ingest", "planner", "fixer", "notifier"] {
        for other in ["ingest", "planner", "fixer", "notifier", "fixpoint"] {
            let all =
                [DependencyKind::Normal, DependencyKind::Development].map(|kind| direct(service, kind).contains(other));
            assert_eq!(all, [false, false], "{service} uses {other}");
        }
    }
}

#[test]
fn some_crates_are_for_one_of_ours_alone() {
    for (theirs, owners) in [
        ("diesel", &["planner", "testkit"][..]),
        ("diesel_migrations", &["planner"]),
        ("lapin", &["bus"]),
        ("octocrab", &["github"]),
        ("slack-morphism", &["notifier"]),
        ("tree-sitter", &["engines", "fixer"]),
        ("opentelemetry-otlp", &["telemetry"]),
        ("clap", &["fixpoint", "gauntlet"]),
    ] {
        let users: Vec<String> = ours()
            .into_iter()
            .filter(|name| direct(name, DependencyKind::Normal).contains(theirs))
            .collect();
        assert!(
            users.iter().all(|user| owners.contains(&user.as_str())),
            "{theirs} is used by {users:?}, and is for {owners:?}"
        );
    }
}

#[test]
fn who_faces_the_internet_or_runs_untrusted_code_is_not_built_of_what_it_must_not_do() {
    for (ours, theirs) in [
        (
            "domain",
            &[
                "tokio",
                "actix-web",
                "diesel",
                "reqwest",
                "hyper",
                "octocrab",
                "futures",
                "tracing",
                "rustix",
            ][..],
        ),
        (
            "ingest",
            &[
                "diesel",
                "libsqlite3-sys",
                "pq-sys",
                "octocrab",
                "github",
                "engines",
                "sandbox",
                "tree-sitter",
            ],
        ),
        ("planner", &["engines", "sandbox", "slack-morphism", "tree-sitter"]),
        (
            "fixer",
            &["diesel", "libsqlite3-sys", "pq-sys", "slack-morphism", "actix-web"],
        ),
        (
            "notifier",
            &["diesel", "libsqlite3-sys", "pq-sys", "octocrab", "engines", "sandbox"],
        ),
        (
            "engines",
            &["diesel", "octocrab", "reqwest", "actix-web", "github", "bus"],
        ),
        ("sandbox", &["diesel", "octocrab", "reqwest", "actix-web"]),
    ] {
        let below = GRAPH.below(ours);
        let found: Vec<_> = theirs.iter().filter(|name| below.contains(**name)).collect();
        assert!(found.is_empty(), "{ours} is built of {found:?}");
    }
}

#[test]
fn what_is_only_for_tests_is_never_shipped_and_there_is_one_cryptography() {
    // `cargo tree` knows which optional parts are really built; `cargo metadata` names them all.
    #[allow(clippy::disallowed_methods, reason = "the test asks cargo")]
    let mut cargo = std::process::Command::new(env!("CARGO"));
    let tree = cargo
        .args([
            "tree",
            "--package",
            "fixpoint",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{lib}",
        ])
        .args(locked())
        .args(["--target", "x86_64-unknown-linux-gnu"])
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let shipped: BTreeSet<&str> = tree
        .lines()
        .map(|line| line.split(' ').next().unwrap_or(line))
        .collect();
    for name in [
        "testkit",
        "wiremock",
        "insta",
        "proptest",
        "cargo_metadata",
        "aws_lc_rs",
        "aws_lc_sys",
        "openssl",
        "openssl_sys",
        "native_tls",
        "git2",
        "libgit2_sys",
    ] {
        assert!(!shipped.contains(name), "fixpoint is shipped with {name}");
    }
    assert!(shipped.contains("ring") && shipped.contains("diesel"), "{tree}");
    for name in ours() {
        assert!(
            !direct(&name, DependencyKind::Normal).contains("testkit"),
            "{name} is shipped with testkit"
        );
    }
}
