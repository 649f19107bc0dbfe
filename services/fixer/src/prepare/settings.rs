//! The `[prepare]` section of the settings.
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// How environments are built.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The Python to build with. Default: the first `python3` of `search_path`.
    pub python: Option<PathBuf>,
    /// The Node to build with; `npm` is looked for beside it. Default: the first `node` of `search_path`.
    pub node: Option<PathBuf>,
    /// Folders in which tools are looked for, in the form of `PATH`. Default: the usual folders of a system.
    pub search_path: String,
    /// Hosts that an installation may reach besides the registries of the machine's package clients: `host`, `host:port`, `.suffix`.
    pub allow_hosts: Vec<String>,
    /// A proxy, `host:port`, through which this machine reaches the world.
    pub upstream_proxy: Option<String>,
    /// The index that pip asks, in place of the one that the machine's pip is set to. Without a password: the sandbox holds no secret.
    pub pip_index: Option<String>,
    /// Folders with wheels, besides those that the machine's pip is set to.
    pub find_links: Vec<PathBuf>,
    /// Time for one installation, in seconds.
    pub wall_seconds: u64,
    /// Memory of one installation, in bytes.
    pub memory_bytes: u64,
    /// Room for all layers, in bytes; the least recently used go first.
    pub max_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            python: None,
            node: None,
            search_path: "/usr/local/bin:/usr/bin:/bin".to_owned(),
            allow_hosts: Vec::new(),
            upstream_proxy: None,
            pip_index: None,
            find_links: Vec::new(),
            wall_seconds: 600,
            memory_bytes: 4 << 30,
            max_bytes: 10 << 30,
        }
    }
}

impl Settings {
    pub(super) fn wall(&self) -> Duration {
        Duration::from_secs(self.wall_seconds)
    }

    /// The executables of this name in `search_path`, in its order.
    pub(super) fn candidates(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        let name = name.to_owned();
        self.search_path
            .split(':')
            .filter(|folder| folder.starts_with('/'))
            .map(move |folder| PathBuf::from(folder).join(&name))
            .filter(|path| path.is_file())
            .collect::<Vec<_>>()
            .into_iter()
    }
}
