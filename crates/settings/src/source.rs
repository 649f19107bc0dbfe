//! Where settings come from besides config/default.toml.

use crate::check::{check, flag, look_up, parse};
use crate::error::SettingsError;
use crate::known::{Known, Type};
use crate::merge;
use crate::name::{DOCUMENTED, Kind, key_of_own, own_name};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Where settings come from besides config/default.toml; what is set later wins.
#[derive(Clone, Debug, Default)]
pub struct Source {
    file: Option<PathBuf>,
    environment: Vec<(String, String)>,
    overrides: Vec<(String, String)>,
}

/// What one source sets.
#[derive(Default)]
pub(crate) struct Layer {
    pub(crate) values: Table,
    /// How a message names each key that it sets.
    pub(crate) set_by: BTreeMap<String, String>,
}

impl Source {
    /// The environment of this process, and the file that `FIXPOINT_CONFIG` names in it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn process() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let source = Self::default().environment(std::env::vars_os().map(|(name, value)| (text(name), text(value))));
        match std::env::var_os("FIXPOINT_CONFIG").filter(|path| !path.is_empty()) {
            Some(path) => source.file(path),
            None => source,
        }
    }

    /// The variables of the environment that it reads, for another process that is to have the same.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// With the file given with `--config`.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// With these variables; names that are not ours are ignored, and so are empty values.
    #[must_use]
    pub fn environment<N: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.environment
            .extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Of the environment only what sets keys of these sections by our own names, and nothing else.
    #[must_use]
    pub fn only(&self, sections: &[&str]) -> Self {
        let of_them = |name: &str| {
            key_of_own(name).is_some_and(|key| {
                key.split_once('.')
                    .is_some_and(|(section, _)| sections.contains(&section))
            })
        };
        Self::default().environment(self.environment.iter().filter(|(name, _)| of_them(name)).cloned())
    }

    /// With a key that the command line sets; it wins over everything else.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.overrides.push((key.into(), value.into()));
        self
    }

    pub(crate) fn read_file(&self, known: &Known) -> Result<Layer, SettingsError> {
        let Some(path) = &self.file else {
            return Ok(Layer::default());
        };
        let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Unreadable {
            path: path.clone(),
            source,
        })?;
        let values: Table = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| {
                text.get(..span.start).unwrap_or_default().lines().count().max(1)
            });
            SettingsError::NotToml {
                place: format!("{}, line {line}", path.display()),
                what: error.message().into(),
            }
        })?;
        let mut set_by = BTreeMap::new();
        check_table(&values, &mut Vec::new(), path, known, &mut set_by)?;
        Ok(Layer { values, set_by })
    }

    pub(crate) fn read_environment(&self, known: &Known) -> Result<Layer, SettingsError> {
        let mut layer = Layer::default();
        // Our own names come last: whoever writes one means exactly that key.
        for (name, value) in self.set_variables() {
            let Some((_, key, kind)) = DOCUMENTED.iter().find(|(documented, _, _)| *documented == name) else {
                continue;
            };
            let value = match kind {
                Kind::Same => parse(value, type_of(known, key), key, name)?,
                Kind::One => Value::Array(vec![Value::String(value.into())]),
                Kind::Port => Value::String(self.with_port(value, known)?),
                Kind::Verbose => match flag(value) {
                    Some(true) => Value::String("debug".into()),
                    Some(false) => continue,
                    None => {
                        return Err(SettingsError::Wrong {
                            name: name.into(),
                            given: format!("{value:?}"),
                            needed: "true or false".into(),
                        });
                    }
                },
            };
            layer.put(key, name, value);
        }
        for (name, value) in self.set_variables() {
            let Some(key) = key_of_own(name) else { continue };
            let path: Vec<String> = key.split('.').map(Into::into).collect();
            let Some(kind) = known.type_of(&path) else {
                return Err(SettingsError::Unknown {
                    name: name.into(),
                    nearest: own_name(&known.nearest(&key)),
                });
            };
            layer.put(&key, name, parse(value, kind, &key, name)?);
        }
        Ok(layer)
    }

    pub(crate) fn read_overrides(&self, known: &Known) -> Result<Layer, SettingsError> {
        let mut layer = Layer::default();
        for (key, value) in &self.overrides {
            let path: Vec<String> = key.split('.').map(Into::into).collect();
            let kind = known.type_of(&path).ok_or_else(|| SettingsError::Unknown {
                name: key.clone(),
                nearest: known.nearest(key),
            })?;
            layer.put(key, key, parse(value, kind, key, key)?);
        }
        Ok(layer)
    }

    fn set_variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.trim()))
            .filter(|(_, value)| !value.is_empty())
    }

    /// The address that file or default give, with another port.
    fn with_port(&self, port: &str, known: &Known) -> Result<String, SettingsError> {
        let port: u16 = port.parse().map_err(|_| SettingsError::Wrong {
            name: "PORT".into(),
            given: format!("{port:?}"),
            needed: "a port from 0 to 65535".into(),
        })?;
        let mut all = known.defaults().clone();
        merge(&mut all, self.read_file(known)?.values);
        let listen = look_up(&all, "server.listen")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let host = listen.rsplit_once(':').map_or(listen, |(host, _)| host);
        Ok(format!("{host}:{port}"))
    }
}

impl Layer {
    fn put(&mut self, key: &str, name: &str, value: Value) {
        self.set_by.insert(key.into(), name.into());
        let (sections, last) = key.rsplit_once('.').unwrap_or(("", key));
        let mut over = Table::from_iter([(last.to_string(), value)]);
        for section in sections.rsplit('.').filter(|section| !section.is_empty()) {
            over = Table::from_iter([(section.to_string(), Value::Table(over))]);
        }
        merge(&mut self.values, over);
    }
}

fn type_of(known: &Known, key: &str) -> Type {
    known
        .type_of(&key.split('.').map(Into::into).collect::<Vec<_>>())
        .unwrap_or(Type::Text)
}

fn check_table(
    table: &Table,
    path: &mut Vec<String>,
    file: &Path,
    known: &Known,
    set_by: &mut BTreeMap<String, String>,
) -> Result<(), SettingsError> {
    for (key, value) in table {
        path.push(key.clone());
        let dotted = path.join(".");
        let name = format!("{dotted} in {}", file.display());
        match (value, known.type_of(path)) {
            (Value::Table(inner), None) if known.is_section(path) => check_table(inner, path, file, known, set_by)?,
            // As in the default file: not set.
            (Value::String(text), Some(_)) if text.is_empty() => {}
            (value, Some(kind)) => {
                check(value, kind, &dotted, &name)?;
                set_by.insert(dotted, name);
            }
            (Value::Table(_), None) => {
                return Err(SettingsError::Unknown {
                    name: format!("[{dotted}] in {}", file.display()),
                    nearest: known.nearest_section(&dotted),
                });
            }
            _ => {
                return Err(SettingsError::Unknown {
                    name,
                    nearest: known.nearest(&dotted),
                });
            }
        }
        path.pop();
    }
    Ok(())
}
