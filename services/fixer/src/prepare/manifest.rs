//! Dependencies out of pyproject.toml, Poetry's tables in it, setup.cfg and Pipfile.
use std::path::Path;

use super::checkout::read_text;
use super::wanted::{CHECKOUT, MAX_DEPTH, Wanted, normal, one_line, within};

/// Extras and groups that hold what tests need.
const FOR_TESTS: [&str; 9] = [
    "test",
    "tests",
    "testing",
    "dev",
    "develop",
    "development",
    "ci",
    "all-tests",
    "unit",
];

/// True if the file says what the project needs.
pub(super) fn pyproject(checkout: &Path, wanted: &mut Wanted) -> bool {
    let Some(file) = read_text(checkout, "pyproject.toml").and_then(|text| text.parse::<toml::Table>().ok()) else {
        return false;
    };
    let mut known = false;
    if let Some(project) = file.get("project").and_then(toml::Value::as_table) {
        known = true;
        let dynamic: Vec<&str> = project
            .get("dynamic")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(toml::Value::as_str)
            .collect();
        wanted.needs_build |= dynamic.contains(&"dependencies");
        for line in strings(project.get("dependencies")) {
            wanted.add(line);
        }
        let name = project
            .get("name")
            .and_then(toml::Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let extras = project.get("optional-dependencies").and_then(toml::Value::as_table);
        for (extra, lines) in extras.into_iter().flatten() {
            if for_tests(extra) {
                wanted.extras.push(extra.clone());
                for line in strings(Some(lines)) {
                    extra_line(line, &name, extras, wanted, 0);
                }
            }
        }
        let version = project.get("version").and_then(toml::Value::as_str).unwrap_or("0");
        if !name.is_empty() && one_line(&name) && one_line(version) {
            wanted.project = Some((name, version.to_owned()));
        }
        wanted.requires_python = project
            .get("requires-python")
            .and_then(toml::Value::as_str)
            .map(str::to_owned);
        entry_points(project, wanted);
    }
    let groups = file.get("dependency-groups").and_then(toml::Value::as_table);
    for group in groups
        .into_iter()
        .flatten()
        .map(|(group, _)| group)
        .filter(|group| for_tests(group))
    {
        known = true;
        dependency_group(groups, group, wanted, 0);
    }
    if let Some(poetry) = file.get("tool").and_then(|tool| tool.get("poetry")) {
        known = true;
        let mut tables = vec![poetry.get("dependencies"), poetry.get("dev-dependencies")];
        for (group, table) in poetry
            .get("group")
            .and_then(toml::Value::as_table)
            .into_iter()
            .flatten()
        {
            if for_tests(group) {
                tables.push(table.get("dependencies"));
            }
        }
        for (name, value) in tables.into_iter().flatten().filter_map(toml::Value::as_table).flatten() {
            if name == "python" && wanted.requires_python.is_none() {
                wanted.requires_python = poetry_line("", value).split(';').next().map(str::to_owned);
            }
            if name != "python" && value.get("optional").and_then(toml::Value::as_bool) != Some(true) {
                wanted.add(&poetry_line(name, value));
            }
        }
    }
    known
}

/// A line of an extra; `project[other]` means the lines of the other extra.
fn extra_line(line: &str, project: &str, extras: Option<&toml::Table>, wanted: &mut Wanted, depth: usize) {
    let others = line
        .split_once('[')
        .filter(|(name, _)| !project.is_empty() && normal(name) == normal(project))
        .and_then(|(_, rest)| rest.split_once(']'));
    match others {
        Some((others, _)) if depth < MAX_DEPTH => {
            for other in others.split(',') {
                for line in strings(extras.and_then(|extras| extras.get(other.trim()))) {
                    extra_line(line, project, extras, wanted, depth + 1);
                }
            }
        }
        Some(_) => {}
        None => wanted.add(line),
    }
}

fn dependency_group(groups: Option<&toml::Table>, group: &str, wanted: &mut Wanted, depth: usize) {
    let items = groups
        .and_then(|groups| groups.get(group))
        .and_then(toml::Value::as_array);
    for item in items.into_iter().flatten() {
        if let Some(line) = item.as_str() {
            wanted.add(line);
        } else if let Some(other) = item
            .get("include-group")
            .and_then(toml::Value::as_str)
            .filter(|_| depth < MAX_DEPTH)
        {
            dependency_group(groups, other, wanted, depth + 1);
        }
    }
}

/// `^1.2` and `~1.2` are Poetry's own; the lock file's constraints, where there is one, pin more than they do.
fn poetry_line(name: &str, value: &toml::Value) -> String {
    let table = value.as_table();
    let version = value
        .as_str()
        .or_else(|| table?.get("version")?.as_str())
        .unwrap_or("*")
        .trim();
    let extras: Vec<&str> = strings(table.and_then(|table| table.get("extras"))).collect();
    let extras = if extras.is_empty() {
        String::new()
    } else {
        format!("[{}]", extras.join(","))
    };
    if let Some(path) = table
        .and_then(|table| table.get("path"))
        .and_then(toml::Value::as_str)
        .and_then(|path| within(Path::new(""), path))
    {
        return format!("{CHECKOUT}/{}{extras}", path.display());
    }
    if let Some(url) = table.and_then(|table| table.get("git")).and_then(toml::Value::as_str) {
        return format!("{name}{extras} @ git+{url}");
    }
    let parts: Vec<String> = version
        .split(',')
        .map(|part| constraint(part.trim()))
        .filter(|part| !part.is_empty())
        .collect();
    let markers = table
        .and_then(|table| table.get("markers"))
        .and_then(toml::Value::as_str)
        .map(|markers| format!(" ; {markers}"))
        .unwrap_or_default();
    format!("{name}{extras}{}{markers}", parts.join(","))
}

fn constraint(text: &str) -> String {
    let numbers = |text: &str| -> Vec<u64> { text.split('.').map_while(|part| part.parse().ok()).collect() };
    let joined = |parts: &[u64]| parts.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
    if text == "*" || text.is_empty() || text.contains("||") {
        String::new()
    } else if let Some(version) = text.strip_prefix('^') {
        let parts = numbers(version);
        // The first number that is not zero may not change.
        let at = parts
            .iter()
            .position(|&part| part > 0)
            .unwrap_or(parts.len().saturating_sub(1));
        let Some(upper) = parts.get(at).map(|part| [&parts[..at], &[part + 1]].concat()) else {
            return format!(">={version}");
        };
        format!(">={version},<{}", joined(&upper))
    } else if let Some(version) = text.strip_prefix('~').filter(|version| !version.starts_with('=')) {
        let parts = numbers(version);
        let upper = match parts.as_slice() {
            [major, minor, ..] => vec![*major, minor + 1],
            [major] => vec![major + 1],
            [] => return format!(">={version}"),
        };
        format!(">={version},<{}", joined(&upper))
    } else if text.starts_with(|c: char| c.is_ascii_digit()) {
        format!("=={text}")
    } else {
        text.replace(' ', "")
    }
}

/// True if the file says what the project needs. It is an ini file; only the options of the known sections are read.
pub(super) fn setup_cfg(checkout: &Path, wanted: &mut Wanted) -> bool {
    let Some(text) = read_text(checkout, "setup.cfg") else {
        return false;
    };
    let (mut section, mut key, mut known) = (String::new(), String::new(), false);
    let mut project = (String::new(), String::new());
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        let value = if line.starts_with([' ', '\t']) {
            trimmed
        } else if let Some(name) = trimmed.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            section = name.to_owned();
            key.clear();
            continue;
        } else if let Some((name, value)) = trimmed.split_once('=') {
            key = name.trim().to_owned();
            value.trim()
        } else {
            continue;
        };
        match (section.as_str(), key.as_str()) {
            ("options", "install_requires" | "tests_require") => {
                known = true;
                // `file: requirements.txt` points at what is read anyway.
                if !value.starts_with("file:") {
                    wanted.add(value);
                }
            }
            ("options.extras_require", extra) if for_tests(extra) => {
                known = true;
                wanted.add(value);
            }
            ("options", "python_requires") if wanted.requires_python.is_none() => {
                wanted.requires_python = Some(value.to_owned());
            }
            ("metadata", "name") => value.clone_into(&mut project.0),
            ("metadata", "version") if !value.contains(':') => value.clone_into(&mut project.1),
            _ => {}
        }
    }
    if wanted.project.is_none() && !project.0.is_empty() {
        if project.1.is_empty() {
            "0".clone_into(&mut project.1);
        }
        wanted.project = Some(project);
    }
    known
}

/// True if there is such a file.
pub(super) fn pipfile(checkout: &Path, wanted: &mut Wanted) -> bool {
    let Some(file) = read_text(checkout, "Pipfile").and_then(|text| text.parse::<toml::Table>().ok()) else {
        return false;
    };
    for table in ["packages", "dev-packages"] {
        for (name, value) in file.get(table).and_then(toml::Value::as_table).into_iter().flatten() {
            wanted.add(&poetry_line(name, value));
        }
    }
    true
}

fn entry_points(project: &toml::Table, wanted: &mut Wanted) {
    let groups = project.get("entry-points").and_then(toml::Value::as_table);
    let groups = groups
        .into_iter()
        .flatten()
        .map(|(name, table)| (name.as_str(), Some(table)));
    for (group, table) in [("console_scripts", project.get("scripts"))].into_iter().chain(groups) {
        let pairs: Vec<_> = table
            .and_then(toml::Value::as_table)
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name, value.as_str()?)))
            .collect();
        if !pairs.is_empty() && one_line(group) {
            wanted.entry_points.push_str(&format!("[{group}]\n"));
            for (name, value) in pairs
                .into_iter()
                .filter(|(name, value)| one_line(name) && one_line(value))
            {
                wanted.entry_points.push_str(&format!("{name} = {value}\n"));
            }
        }
    }
}

fn strings(value: Option<&toml::Value>) -> impl Iterator<Item = &str> {
    value
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_str)
}

fn for_tests(name: &str) -> bool {
    FOR_TESTS.contains(&name.to_ascii_lowercase().as_str())
}
