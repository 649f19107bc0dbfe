//! How much a command has written to the folders that it may write to. No quota of the kernel is there for everybody, so it is
//! measured: cheaply by what the file systems have lost, and exactly once that is much.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::{Access, Limits, Mount};

/// Least time between two exact measurements, and its multiple of the time that the last one took.
const PAUSE: Duration = Duration::from_millis(500);
const REST: u32 = 10;

/// Watches the writable folders of one command.
pub(crate) struct Disk {
    folders: Vec<PathBuf>,
    bytes: u64,
    files: u64,
    /// What the file systems had in use when all was well.
    known: Usage,
    look_again: Instant,
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
            bytes: limits.disk_bytes,
            files: limits.disk_files,
            look_again: Instant::now(),
        }
    }

    /// Whether the folders hold more than they may. Blocks for as long as a walk through them takes.
    pub(crate) fn is_full(&mut self) -> bool {
        if self.folders.is_empty() || Instant::now() < self.look_again {
            return false;
        }
        let now = lost(&self.folders);
        let grown = now.bytes.saturating_sub(self.known.bytes) > self.bytes / 4
            || now.files.saturating_sub(self.known.files) > self.files / 4;
        if !grown {
            return false;
        }
        let started = Instant::now();
        let mut left = Usage {
            bytes: self.bytes,
            files: self.files,
        };
        let fits = self.folders.iter().all(|folder| fits(folder, &mut left));
        self.known = now;
        self.look_again = Instant::now() + PAUSE.max(started.elapsed() * REST);
        !fits
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

/// Takes what is in a folder off what is left; false once nothing is. Links are not followed.
fn fits(folder: &Path, left: &mut Usage) -> bool {
    // What cannot be read may have just been removed.
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(found) = entry.metadata() else { continue };
        let bytes = found.blocks() * 512;
        if left.files == 0 || bytes > left.bytes {
            return false;
        }
        left.files -= 1;
        left.bytes -= bytes;
        if found.is_dir() && !fits(&entry.path(), left) {
            return false;
        }
    }
    true
}
