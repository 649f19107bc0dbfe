//! The `[sandbox]` section of the settings.

use std::path::PathBuf;

use serde::Deserialize;

/// How untrusted code is confined.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Run the code of repositories without confinement when bubblewrap cannot be used. Default `false`: then nothing is run.
    pub allow_unconfined: bool,
    /// The bubblewrap executable, which must be there. Default: `bwrap` in the usual folders of a system.
    pub bwrap: Option<PathBuf>,
    /// A cgroup v2 folder delegated to this process, below which one group per command is made. Default: found by itself.
    pub cgroup_parent: Option<PathBuf>,
}
