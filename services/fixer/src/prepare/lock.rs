//! Pins out of the lock files of Poetry, uv, PDM and Pipenv.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::checkout::read_text;
use super::wanted::{MAX_LINES, Wanted, normal, one_line};

/// Pins of lock files become constraints: what they pin is installed only if something asks for it on this platform.
pub(super) fn locks(checkout: &Path, wanted: &mut Wanted) {
    let mut pins: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in ["poetry.lock", "uv.lock", "pdm.lock"] {
        let Some(lock) = read_text(checkout, file).and_then(|text| text.parse::<toml::Table>().ok()) else {
            continue;
        };
        for package in lock
            .get("package")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
        {
            let field = |name: &str| package.get(name).and_then(toml::Value::as_str);
            let local = package.get("source").is_some_and(|source| {
                source.get("editable").is_some() || source.get("virtual").is_some() || source.get("directory").is_some()
            });
            if let (Some(name), Some(version), false) = (field("name"), field("version"), local) {
                pins.entry(normal(name)).or_default().insert(version.to_owned());
            }
        }
    }
    if let Some(lock) =
        read_text(checkout, "Pipfile.lock").and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
    {
        for section in ["default", "develop"] {
            for (name, package) in lock[section].as_object().into_iter().flatten() {
                if let Some(version) = package["version"]
                    .as_str()
                    .and_then(|version| version.strip_prefix("=="))
                {
                    pins.entry(normal(name)).or_default().insert(version.to_owned());
                }
            }
        }
    }
    for (name, versions) in pins.into_iter().take(MAX_LINES) {
        // Several versions are for several platforms or Pythons: pip chooses by itself.
        if let [version] = versions.iter().collect::<Vec<_>>().as_slice()
            && one_line(version)
            && one_line(&name)
        {
            wanted.constraints.push(format!("{name}=={version}"));
        }
    }
}
