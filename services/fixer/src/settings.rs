//! What the fixer reads of the settings.

use crate::repair::Workshop;
use crate::{Kinds, folder, prepare};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Everything that the fixer needs to start.
#[derive(Clone)]
pub struct Settings {
    /// Where mirrors, environments and running attempts are kept.
    pub data_dir: PathBuf,
    /// The kinds of attempts that are taken.
    pub kinds: Kinds,
    /// Attempts at a time, over all kinds.
    pub workers: usize,
    /// Author and committer of fixes.
    pub committer_name: String,
    /// See `committer_name`. Commits with another address on our branch are a person's.
    pub committer_email: String,
    /// How to reach GitHub; the fixer's own token is never in it.
    pub github: github::Settings,
    /// How untrusted code is confined.
    pub sandbox: sandbox::Settings,
    /// How environments are built.
    pub prepare: prepare::Settings,
    /// Limits of one test run.
    pub limits: sandbox::Limits,
}

/// `[fixer]` of the settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The kinds of attempts that are taken, by their names.
    pub kinds: Vec<String>,
    /// Attempts at a time, over all kinds.
    pub workers: usize,
    /// Author and committer of fixes.
    pub committer_name: String,
    /// Their address.
    pub committer_email: String,
    /// Longest test run, in seconds.
    pub test_seconds: u64,
    /// Memory of one test run, in MiB.
    pub test_memory_mib: u64,
    /// Processes of one test run.
    pub test_processes: u32,
    /// Room for the files of one test run, the checkout included, in MiB.
    pub test_disk_mib: u64,
}

impl Section {
    /// The limits of one test run.
    #[must_use]
    pub fn limits(&self) -> sandbox::Limits {
        sandbox::Limits {
            wall: Duration::from_secs(self.test_seconds),
            cpu: Duration::from_secs(self.test_seconds.saturating_mul(4)),
            memory_bytes: self.test_memory_mib << 20,
            processes: self.test_processes,
            disk_bytes: self.test_disk_mib << 20,
            ..sandbox::Limits::default()
        }
    }
}

impl Default for Section {
    fn default() -> Self {
        Self {
            kinds: Kinds::default().iter().map(|kind| kind.as_str().to_owned()).collect(),
            workers: 1,
            committer_name: "Fixpoint".into(),
            committer_email: "fixpoint@users.noreply.github.com".into(),
            test_seconds: 600,
            test_memory_mib: 2048,
            test_processes: 256,
            test_disk_mib: 4096,
        }
    }
}

impl Settings {
    /// Reads the sections that concern the fixer.
    ///
    /// # Errors
    /// One sentence that names the setting.
    pub fn read(all: &settings::Settings) -> Result<Self, settings::SettingsError> {
        #[derive(Deserialize)]
        struct Data {
            dir: PathBuf,
        }
        let data: Data = all.section("data")?;
        let section: Section = all.section("fixer")?;
        if section.workers == 0 {
            return Err(settings::SettingsError::Refused {
                name: all.name_of("fixer.workers"),
                why: "without a worker no attempt is ever begun; 1 is the least".into(),
            });
        }
        let kinds = Kinds::of(section.kinds.iter().map(String::as_str));
        Ok(Self {
            kinds: kinds.map_err(|why| settings::SettingsError::Refused {
                name: all.name_of("fixer.kinds"),
                why,
            })?,
            data_dir: data.dir.join("fixer"),
            workers: section.workers,
            limits: section.limits(),
            committer_name: section.committer_name,
            committer_email: section.committer_email,
            github: all.section("github")?,
            sandbox: all.section("sandbox")?,
            prepare: all.section("prepare")?,
        })
    }

    /// What every repair needs, opened.
    ///
    /// # Errors
    /// When code cannot be confined here, or the data folder cannot be written.
    pub fn workshop(&self) -> anyhow::Result<Workshop> {
        let sandbox = sandbox::open(&self.sandbox)?;
        let layers = folder(&self.data_dir.join("layers"))?;
        let preparer = Arc::new(prepare::Preparer::new(
            Arc::clone(&sandbox),
            layers,
            self.prepare.clone(),
        ));
        Ok(Workshop {
            sandbox,
            limits: self.limits,
            preparer,
        })
    }
}
