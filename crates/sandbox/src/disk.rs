//! How much a command has written to the folders that it may write to. No quota of the kernel is there for everybody, so it is
//! measured: cheaply by what the file systems have lost, and exactly, in a thread of its own, once that is much.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::{Access, Limits, Mount};

/// Least time between two exact measurements, and its multiple of the time that the last one took.
const PAUSE: Duration = Duration::from_millis(500);
const REST: u32 = 10;

/// Watches the writable folders of one command.
pub(crate) struct Disk {
    folders: Vec<PathBuf>,
    most: Usage,
    /// What the file systems had in use when all was well.
    known: Usage,
    look_again: Instant,
    /// The measurement that is under way, and when it began.
    walk: Option<(oneshot::Receiver<bool>, Instant)>,
}

#[derive(Clone, Copy, Default)]
struct Usage {
    bytes: u64,
    files: u64,
}

impl Disk {
    pub(crate) fn of(mounts: &[Mount], limits: &Limits) -> Self {
        let writable = mounts.iter().filter(|mount| mount.access == Access::ReadWrite);
        let folders: Vec<PathBuf> = writable.map(|mount| mount.host.clone()).collect();
        Self {
            known: lost(&folders),
            folders,
            most: Usage {
                bytes: limits.disk_bytes,
                files: limits.disk_files,
            },
            look_again: Instant::now(),
            walk: None,
        }
    }

    /// Whether the folders were found to hold more than they may. Never waits.
    pub(crate) fn is_full(&mut self) -> bool {
        if let Some((walk, started)) = &mut self.walk {
            match walk.try_recv() {
                Ok(fits) => {
                    self.look_again = Instant::now() + PAUSE.max(started.elapsed() * REST);
                    self.walk = None;
                    return !fits;
                }
                Err(oneshot::error::TryRecvError::Empty) => return false,
                Err(oneshot::error::TryRecvError::Closed) => self.walk = None,
            }
        }
        if self.folders.is_empty() || Instant::now() < self.look_again {
            return false;
        }
        let now = lost(&self.folders);
        let grown = now.bytes.saturating_sub(self.known.bytes) > self.most.bytes / 4
            || now.files.saturating_sub(self.known.files) > self.most.files / 4;
        if grown {
            self.known = now;
            let (tell, told) = oneshot::channel();
            let (folders, most) = (self.folders.clone(), self.most);
            tokio::task::spawn_blocking(move || tell.send(fits(folders, most)));
            self.walk = Some((told, Instant::now()));
        }
        false
    }
}

/// What is in use of the file systems, whoever uses it. Others write too, so that it only says when to look.
fn lost(folders: &[PathBuf]) -> Usage {
    let mut usage = Usage::default();
    for folder in folders {
        if let Ok(found) = rustix::fs::statvfs(folder) {
            usage.bytes += found.f_blocks.saturating_sub(found.f_bfree) * found.f_frsize;
            usage.files += found.f_files.saturating_sub(found.f_ffree);
        }
    }
    usage
}

/// Whether all that is in the folders is no more than this. Links are not followed. A folder that cannot be read, for it lies too
/// deep or nobody may, cannot be measured: it does not fit.
fn fits(mut folders: Vec<PathBuf>, mut left: Usage) -> bool {
    while let Some(folder) = folders.pop() {
        if !fits_one(&folder, &mut left, &mut folders) {
            return false;
        }
    }
    true
}

fn fits_one(folder: &Path, left: &mut Usage, below: &mut Vec<PathBuf>) -> bool {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        // It may just have been removed.
        Err(error) => return error.kind() == ErrorKind::NotFound,
    };
    for entry in entries.flatten() {
        let Ok(found) = entry.metadata() else { continue };
        let bytes = found.blocks() * 512;
        if left.files == 0 || bytes > left.bytes {
            return false;
        }
        left.files -= 1;
        left.bytes -= bytes;
        if found.is_dir() {
            below.push(entry.path());
        }
    }
    true
}
