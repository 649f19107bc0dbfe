//! The ledger: everything that was sent, answered and done, and afterwards what the others have recorded. Lines of JSON, only
//! ever added to. Whether all was well is decided from it alone.

use crate::fault::Fault;
use crate::record::{Dead, Job, Message, Repository};
use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use domain::attempt::Stage;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// A run begins.
    Begun {
        at: DateTime<Utc>,
        seed: u64,
        incidents: usize,
    },
    /// A repository turned red.
    Incident {
        at: DateTime<Utc>,
        number: usize,
        repo: String,
        bug: String,
        alert: bool,
    },
    /// A webhook came from outside, to be delivered so many times.
    Sent {
        at: DateTime<Utc>,
        webhook: String,
        event: String,
        repo: Option<String>,
        copies: usize,
    },
    /// A copy of it was answered, or was not.
    Answered(Answered),
    /// Something goes wrong.
    FaultBegan {
        at: DateTime<Utc>,
        number: usize,
        fault: Fault,
    },
    /// It is over; how long the system took to be ready again, where that was looked at.
    FaultEnded {
        at: DateTime<Utc>,
        number: usize,
        note: String,
        recovered_ms: Option<u64>,
    },
    /// A process was ended by us; what its fixer was doing.
    Down {
        at: DateTime<Utc>,
        process: String,
        held: Vec<Attempt>,
    },
    /// It answers again.
    Up { at: DateTime<Utc>, process: String },
    /// A process ended by itself.
    Fell {
        at: DateTime<Utc>,
        process: String,
        how: String,
    },
    /// What a killed process had started still ran a while later.
    Strays {
        at: DateTime<Utc>,
        process: String,
        names: Vec<String>,
    },
    /// A job was seen in a state.
    Seen {
        at: DateTime<Utc>,
        job: String,
        state: String,
    },
    /// How often somebody looked, and how often there was nothing to do.
    Looks { all: u64, idle: u64 },
    /// A message that nobody can read was sent; `sure` when the broker has confirmed it.
    Poisoned { kind: String, sure: bool },
    /// Nothing more happens by itself, or the patience is at its end.
    Settled {
        at: DateTime<Utc>,
        in_time: bool,
        left: String,
    },
    /// What GitHub has of a repository.
    Repository(Repository),
    /// What Slack has heard.
    Message(Message),
    /// How often somebody asked GitHub for a merge.
    MergeCalls { count: usize },
    /// What the planner says of a job.
    Job(Job),
    /// Deliveries that the planner knows, by the number that ingest gave them.
    Known { deliveries: Vec<String> },
    /// Messages in a dead queue.
    Dead(Dead),
    /// A secret where none belongs.
    Leak { place: String, what: String },
    /// What a process used.
    Used {
        process: String,
        peak_bytes: u64,
        cpu_ms: u64,
    },
    /// How a process ended at the very end.
    Stopped { process: String, in_time: bool },
}

/// A copy of a webhook that was answered, or was not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// When it was sent.
    pub at: DateTime<Utc>,
    /// Which webhook.
    pub webhook: String,
    /// How long it took.
    pub took_ms: u64,
    /// The status, if there was one.
    pub status: Option<u16>,
    /// The number that ingest gave the delivery.
    pub delivery: Option<String>,
    /// The job that it was told to have become.
    pub job: Option<String>,
    /// Why there was no answer.
    pub error: Option<String>,
}

impl Answered {
    /// Whether the sender may forget it.
    pub fn accepted(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// An attempt that a fixer was busy with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its job.
    pub job: String,
    /// The job's repository.
    pub repo: String,
    /// Which attempt.
    pub attempt: String,
    /// Under which fence.
    pub fence: i64,
    /// Where it was, as far as was known.
    pub stage: Option<Stage>,
}

/// The ledger of a run.
pub struct Ledger {
    path: PathBuf,
    file: Mutex<File>,
}

impl Ledger {
    /// Begins a new one.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::options().create_new(true).append(true).open(path);
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file.with_context(|| format!("the ledger {}", path.display()))?),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line. A ledger that cannot be written is worth nothing, so whoever reads it finds out.
    pub fn add(&self, entry: &Entry) {
        let written = serde_json::to_string(entry)
            .map_err(std::io::Error::other)
            .and_then(|mut line| {
                line.push('\n');
                self.file
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .write_all(line.as_bytes())
            });
        if let Err(error) = written {
            eprintln!("the ledger lacks a line: {error}");
        }
    }

    /// Makes it durable, and reads it.
    pub fn close(&self) -> Result<Vec<Entry>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).sync_all()?;
        read(&self.path)
    }
}

/// Reads a ledger.
pub fn read(path: &Path) -> Result<Vec<Entry>> {
    let file = File::open(path).with_context(|| format!("the ledger {}", path.display()))?;
    let parse = |(number, line): (usize, std::io::Result<String>)| {
        serde_json::from_str(&line?).with_context(|| format!("line {} of {}", number + 1, path.display()))
    };
    BufReader::new(file).lines().enumerate().map(parse).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let ledger = Ledger::create(&path).unwrap();
        let at = "2026-01-01T00:00:00.123Z".parse().unwrap();
        let entries = [
            Entry::FaultBegan {
                at,
                number: 1,
                fault: Fault::Poison {
                    kind: domain::message::Kind::NoticeRaised,
                },
            },
            Entry::Answered(Answered {
                at,
                webhook: "w".into(),
                took_ms: 3,
                status: Some(202),
                delivery: None,
                job: None,
                error: None,
            }),
        ];
        entries.iter().for_each(|entry| ledger.add(entry));
        assert_eq!(ledger.close().unwrap(), entries);
        assert!(Ledger::create(&path).is_err(), "a ledger is only ever added to");
    }
}
