//! What a checkout asks for: which files say it, and the key of the layer that holds it.
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use ring::digest::{Context, SHA256};

use super::PrepareSpec;
use super::checkout::{is_plain_file, read_plain, read_text};
use super::requirement;
use super::toolchain::{Interpreter, Node};
use super::wanted::{CHECKOUT, Wanted};
use crate::diagnose::Framework;

/// Goes up when layers are built in another way.
const VERSION: &str = "2";
/// Files that say what to install, at the root of a checkout.
const MANIFESTS: [&str; 21] = [
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "Pipfile",
    "Pipfile.lock",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "tox.ini",
    ".python-version",
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    ".npmrc",
    "Makefile",
    "go.sum",
    "Cargo.lock",
    "requirements.txt",
    "environment.yml",
];

/// What is to be installed for a checkout.
pub(super) struct Plan {
    /// Tests or setup run Python.
    pub wants_python: bool,
    /// Tests need what npm installs.
    pub wants_node: bool,
    /// What pip is to install, from the manifests.
    pub wanted: Wanted,
    /// Whether pytest is added.
    pub adds_pytest: bool,
    setup: Option<String>,
    /// The repository and its tree, where its own code helps to make the layer.
    origin: Option<String>,
    src_layout: bool,
    /// Relative paths of the files that went in.
    files: BTreeSet<PathBuf>,
    contents: Vec<u8>,
}

impl Plan {
    pub(super) fn of(checkout: &Path, spec: &PrepareSpec) -> std::io::Result<Self> {
        let has = |name: &str| is_plain_file(checkout, name);
        let mut files: BTreeSet<PathBuf> = MANIFESTS.iter().filter(|name| has(name)).map(PathBuf::from).collect();
        let wanted = requirement::read(checkout, &mut files);
        let javascript = matches!(
            spec.runner,
            Some(Framework::Jest | Framework::Vitest | Framework::Mocha)
        );
        let lock = [
            "package-lock.json",
            "npm-shrinkwrap.json",
            "pnpm-lock.yaml",
            "yarn.lock",
        ]
        .iter()
        .any(|name| has(name));
        let python_files = [
            "pyproject.toml",
            "setup.py",
            "setup.cfg",
            "Pipfile",
            "requirements.txt",
            "tox.ini",
            "pytest.ini",
            "conftest.py",
        ];
        let looks_python = matches!(spec.runner, Some(Framework::Pytest | Framework::Unittest))
            || python_files.iter().any(|name| has(name))
            || has_python_tests(checkout);
        let wants_node = javascript || (lock && !looks_python);
        let wants_python = looks_python && !javascript;
        let uses_pytest = spec.runner == Some(Framework::Pytest)
            || (spec.runner.is_none() && wants_python && asks_for_pytest(checkout));
        let adds_pytest = uses_pytest && !wanted.names.contains("pytest");
        if let Some(command) = &spec.setup_command {
            for word in command
                .split(|c: char| c.is_whitespace() || "&|;<>()'\"".contains(c))
                .filter(|word| !word.is_empty())
            {
                let path = Path::new(word.trim_start_matches("./"));
                if path.is_relative()
                    && path.components().all(|part| matches!(part, Component::Normal(_)))
                    && is_plain_file(checkout, path)
                {
                    files.insert(path.to_owned());
                }
            }
        }
        let runs_own_code = spec.setup_command.is_some()
            || wanted.needs_build
            || wanted.lines.iter().any(|line| line.starts_with(CHECKOUT));
        let mut plan = Self {
            origin: runs_own_code.then(|| spec.origin.clone()),
            wants_python,
            wants_node: wants_node && (lock || has("package.json")),
            wanted,
            adds_pytest,
            setup: spec.setup_command.clone(),
            src_layout: checkout.join("src").is_dir(),
            files,
            contents: Vec::new(),
        };
        plan.contents = plan.digest(checkout)?;
        Ok(plan)
    }

    /// Whether anything has to be installed at all.
    pub(super) fn installs(&self) -> bool {
        self.setup.is_some() || self.wants_node || (self.wants_python && (self.adds_pytest || !self.wanted.is_empty()))
    }

    /// The names under which layers are kept: everything that goes in, and nothing of the machine's own paths but the interpreter.
    pub(super) fn key(&self, python: Option<&Interpreter>, node: Option<&Node>) -> String {
        let mut hash = Context::new(&SHA256);
        let python = python.map(|python| format!("{} {}", python.version, python.toolchain.executable.display()));
        let node = node.map(|node| format!("{}", node.toolchain.executable.display()));
        let setup = self.setup.as_deref();
        for part in [
            Some(VERSION),
            Some(std::env::consts::ARCH),
            python.as_deref(),
            node.as_deref(),
            setup,
            self.origin.as_deref(),
            self.adds_pytest.then_some("pytest"),
        ] {
            // Each part with its length, so that no two lists of parts read the same.
            hash.update(&(part.map_or(u64::MAX, |part| part.len() as u64)).to_le_bytes());
            hash.update(part.unwrap_or_default().as_bytes());
        }
        hash.update(&self.contents);
        hex::encode(&hash.finish().as_ref()[..16])
    }

    fn digest(&self, checkout: &Path) -> std::io::Result<Vec<u8>> {
        let mut hash = Context::new(&SHA256);
        for file in &self.files {
            let name = file.to_string_lossy();
            let content = read_plain(checkout, file).unwrap_or_default();
            hash.update(&(name.len() as u64).to_le_bytes());
            hash.update(name.as_bytes());
            hash.update(&(content.len() as u64).to_le_bytes());
            hash.update(&content);
        }
        Ok(hash.finish().as_ref().to_vec())
    }

    /// `PYTHONPATH`: the project's own packages are importable without having been installed.
    pub(super) fn python_path(&self, inside: &Path) -> String {
        let root = inside.display();
        if self.src_layout {
            format!("{root}/src:{root}")
        } else {
            root.to_string()
        }
    }
}

/// The Python files of the root and of its test folders, a bounded number.
fn test_files(checkout: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![(checkout.to_path_buf(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten().take(2_000) {
            let name = entry.file_name().to_string_lossy().into_owned();
            match entry.file_type() {
                Ok(kind)
                    if kind.is_dir()
                        && depth < 3
                        && (depth > 0 || name.starts_with("test"))
                        && !name.starts_with('.') =>
                {
                    folders.push((entry.path(), depth + 1))
                }
                Ok(kind) if kind.is_file() && name.ends_with(".py") && found.len() < 300 => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}

fn has_python_tests(checkout: &Path) -> bool {
    !test_files(checkout).is_empty()
}

/// Whether the project says, or its tests show, that pytest runs them.
fn asks_for_pytest(checkout: &Path) -> bool {
    let says = |name: &str, what: &str| read_text(checkout, name).is_some_and(|text| text.contains(what));
    is_plain_file(checkout, "pytest.ini")
        || says("pyproject.toml", "[tool.pytest")
        || says("setup.cfg", "[tool:pytest]")
        || says("tox.ini", "pytest")
        || test_files(checkout).iter().any(|path| {
            path.ends_with("conftest.py")
                || path
                    .strip_prefix(checkout)
                    .ok()
                    .and_then(|path| read_text(checkout, path))
                    .is_some_and(|text| {
                        text.contains("import pytest")
                            || text.contains("from pytest")
                            || text.lines().any(|line| line.starts_with("def test_"))
                    })
        })
}
