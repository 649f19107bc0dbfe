//! What pip is to install, read from a project's manifests without running any of its code.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::checkout::{is_plain_file, read_text};
use super::wanted::{CHECKOUT, MAX_DEPTH, Wanted, within};
use super::{lock, manifest};

/// Requirement files, in the order in which they are looked for.
const FILES: [&str; 12] = [
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-test.txt",
    "requirements-tests.txt",
    "requirements_dev.txt",
    "requirements_test.txt",
    "dev-requirements.txt",
    "test-requirements.txt",
    "requirements/dev.txt",
    "requirements/test.txt",
    "requirements/tests.txt",
    "tests/requirements.txt",
];
/// Reads all manifests; the files that were read beyond the known names are added to `files`.
pub(super) fn read(checkout: &Path, files: &mut BTreeSet<PathBuf>) -> Wanted {
    let mut wanted = Wanted::default();
    let mut own = false;
    for file in FILES {
        if is_plain_file(checkout, file) {
            own |= requirements(checkout, Path::new(file), 0, &mut wanted, files);
        }
    }
    let listed = !wanted.lines.is_empty();
    let before = wanted.lines.len();
    let known = manifest::pyproject(checkout, &mut wanted);
    let known = manifest::setup_cfg(checkout, &mut wanted) || known;
    let known = manifest::pipfile(checkout, &mut wanted) || known;
    // `pip install -e .` in a requirements file, or a project that says what it needs nowhere else.
    let has_backend = is_plain_file(checkout, "setup.py");
    wanted.needs_build |= has_backend
        && !known
        && before == wanted.lines.len()
        && (own || !listed)
        && setup_py_has_requirements(checkout);
    lock::locks(checkout, &mut wanted);
    wanted
}

/// Takes the lines of a requirements file in. True if it asks for the project itself.
fn requirements(
    checkout: &Path,
    file: &Path,
    depth: usize,
    wanted: &mut Wanted,
    files: &mut BTreeSet<PathBuf>,
) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    let Some(text) = read_text(checkout, file) else {
        return false;
    };
    files.insert(file.to_owned());
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    let mut own = false;
    for line in text.replace("\\\n", " ").lines() {
        let line = line.trim_start_matches('\u{feff}').trim();
        // A comment begins at the line's start or after a space.
        let line = if line.starts_with('#') {
            ""
        } else {
            line.split(" #").next().unwrap_or(line).trim()
        };
        if let Some(other) = option(line, &["-r", "--requirement"]) {
            if let Some(path) = within(&folder, other) {
                own |= requirements(checkout, &path, depth + 1, wanted, files);
            }
        } else if let Some(other) = option(line, &["-c", "--constraint"]) {
            if let Some(path) = within(&folder, other) {
                if let Some(text) = read_text(checkout, &path) {
                    wanted.constraints.extend(
                        text.lines()
                            .map(str::trim)
                            .filter(|line| !line.is_empty() && !line.starts_with(['#', '-']))
                            .map(str::to_owned),
                    );
                }
                files.insert(path);
            }
        } else if let Some(target) =
            option(line, &["-e", "--editable"]).or_else(|| line.starts_with('.').then_some(line))
        {
            let path = target.split('[').next().unwrap_or(target).trim();
            match within(&folder, path) {
                Some(path) if path.as_os_str().is_empty() => {
                    own = true;
                    if let Some((_, extras)) = target.split_once('[') {
                        wanted.extras.extend(
                            extras
                                .trim_end_matches(']')
                                .split(',')
                                .map(|extra| extra.trim().to_owned()),
                        );
                    }
                }
                // Another folder of the checkout: it is built from its copy, not linked to.
                Some(path) => wanted.add(&format!("{CHECKOUT}/{}", path.display())),
                None => wanted.add(target),
            }
        } else if !line.starts_with('-') {
            wanted.add(line);
        }
        // Other options (`--index-url`, `--extra-index-url`, `--find-links`, …) are the project's wish to fetch from elsewhere. The
        // allow-list decides where from, so they are left out.
    }
    own
}

fn option<'a>(line: &'a str, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| {
        let rest = line.strip_prefix(name)?;
        (rest.starts_with([' ', '=', '\t']) || name.len() == 2 && !rest.is_empty())
            .then(|| rest.trim_start_matches(['=', ' ', '\t']))
    })
}

fn setup_py_has_requirements(checkout: &Path) -> bool {
    read_text(checkout, "setup.py").is_some_and(|text| {
        text.contains("install_requires") || text.contains("extras_require") || text.contains("tests_require")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn project(files: &[(&str, &str)]) -> Wanted {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        read(folder.path(), &mut BTreeSet::new())
    }

    #[test]
    fn requirement_files_are_flattened_and_stay_in_the_checkout() {
        let wanted = project(&[
            (
                "requirements.txt",
                "flask>=2 # web\n-r requirements/base.txt\n--index-url http://evil/\n-e .[fast]\n-r ../../etc/passwd\n",
            ),
            (
                "requirements/base.txt",
                "requests==2.31 \\\n  --hash=sha256:00\n-c pins.txt\n../libs/own\n",
            ),
            ("requirements/pins.txt", "idna==3.4\n"),
        ]);
        assert_eq!(
            wanted.lines,
            ["flask>=2", "requests==2.31    --hash=sha256:00", "{checkout}/libs/own"]
        );
        assert_eq!(wanted.constraints, ["idna==3.4"]);
        assert_eq!(wanted.extras, ["fast"]);
        assert!(wanted.names.contains("flask") && !wanted.needs_build);
    }

    #[test]
    fn a_link_leads_nowhere() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("notes.txt"), "secret==1").unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("far")).unwrap();
        std::os::unix::fs::symlink("far/notes.txt", folder.path().join("near.txt")).unwrap();
        let asks = "flask\n-r far/notes.txt\n-c far/notes.txt\n-r near.txt\n-c near.txt\n";
        std::fs::write(folder.path().join("requirements.txt"), asks).unwrap();
        let wanted = read(folder.path(), &mut BTreeSet::new());
        assert_eq!((wanted.lines, wanted.constraints), (vec!["flask".to_owned()], vec![]));
    }

    #[test]
    fn a_pyproject_gives_dependencies_test_extras_and_groups() {
        let wanted = project(&[(
            "pyproject.toml",
            "[project]\nname='shop'\nversion='1.2'\ndependencies=['attrs']\n[project.scripts]\nshop='shop:main'\n[project.optional-dependencies]\ntest=['pytest','shop[x]']\nx=['httpx']\ndocs=['sphinx']\n[dependency-groups]\ndev=['ruff',{include-group='more'}]\nmore=['hypothesis']\n",
        )]);
        assert_eq!(wanted.lines, ["attrs", "pytest", "httpx", "ruff", "hypothesis"]);
        assert_eq!(wanted.project, Some(("shop".to_owned(), "1.2".to_owned())));
        assert_eq!(wanted.entry_points, "[console_scripts]\nshop = shop:main\n");
        assert!(!wanted.needs_build);
    }

    #[test]
    fn poetry_and_its_lock_become_ranges_and_pins() {
        let wanted = project(&[
            (
                "pyproject.toml",
                "[tool.poetry.dependencies]\npython='^3.9'\nflask='^2.3.1'\nzero='^0.4.2'\nold={version='~1.4',optional=true}\n[tool.poetry.group.dev.dependencies]\npytest='*'\n",
            ),
            (
                "poetry.lock",
                "[[package]]\nname='Flask'\nversion='2.3.3'\n[[package]]\nname='two'\nversion='1'\n[[package]]\nname='two'\nversion='2'\n",
            ),
        ]);
        assert_eq!(wanted.lines, ["flask>=2.3.1,<3", "zero>=0.4.2,<0.5", "pytest"]);
        assert_eq!(wanted.constraints, ["flask==2.3.3"]);
    }

    #[test]
    fn setup_cfg_is_read_and_setup_py_is_not_run_unless_it_must() {
        let wanted = project(&[
            (
                "setup.cfg",
                "[metadata]\nname = a\n[options]\ninstall_requires =\n    attrs>=1\n    six; python_version<'3'\n[options.extras_require]\ntest =\n    pytest\ndocs = sphinx\n",
            ),
            ("setup.py", "setup()"),
        ]);
        assert_eq!(wanted.lines, ["attrs>=1", "six; python_version<'3'", "pytest"]);
        assert!(!wanted.needs_build);
        assert!(project(&[("setup.py", "setup(install_requires=read())")]).needs_build);
        assert!(
            !project(&[
                ("setup.py", "setup(install_requires=[])"),
                ("requirements.txt", "attrs")
            ])
            .needs_build
        );
    }
}
