//! Layers on disk: built in a draft, renamed into place, leased while they are used, evicted by size.
use std::fs::{File, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;

use super::PrepareError;

/// What is mounted at the layer's fixed place.
pub(super) const ROOT: &str = "root";
/// What was made within the checkout.
pub(super) const TREE: &str = "tree";
/// The list of what is in [`TREE`].
const MADE: &str = "made.json";
/// Its size in bytes. The file's time is the last use, and its lock says who uses it.
const USED: &str = "used";
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// What a killed process left behind is removed after this time.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 3600);

/// The folder of all layers.
pub(super) struct Store {
    folder: PathBuf,
    max_bytes: u64,
}

/// A layer that cannot be evicted while this lives.
#[derive(Debug)]
pub(super) struct Lease {
    pub folder: PathBuf,
    _used: File,
}

/// The turn to build one layer.
pub(super) struct Turn(#[expect(dead_code, reason = "the lock lives as long as its file")] File);

impl Store {
    pub(super) fn new(folder: PathBuf, max_bytes: u64) -> Self {
        Self { folder, max_bytes }
    }

    /// The layer of this key, if it has been built.
    pub(super) fn find(&self, key: &str) -> Result<Option<Lease>, PrepareError> {
        let folder = self.folder.join(key);
        let Ok(used) = File::options().read(true).write(true).open(folder.join(USED)) else {
            return Ok(None);
        };
        // An eviction holds it alone for as long as it takes to rename the folder away.
        match used.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => {
                return Err(PrepareError::Layers {
                    doing: "cannot lock a layer".to_owned(),
                    source,
                });
            }
        }
        if !folder.join(USED).is_file() {
            return Ok(None);
        }
        // Writing the same length again sets the time of the last use, by the file system's clock.
        if let Ok(size) = std::fs::read(folder.join(USED)) {
            let _ = std::fs::write(folder.join(USED), size);
        }
        Ok(Some(Lease { folder, _used: used }))
    }

    /// Waits for the turn to build the layer of this key, among all processes.
    pub(super) async fn lock(&self, key: &str, wait: Duration) -> Result<Turn, PrepareError> {
        let path = self.folder.join(format!("{key}.lock"));
        let doing = || format!("cannot lock {}", path.display());
        std::fs::create_dir_all(&self.folder).map_err(PrepareError::layers(doing()))?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(PrepareError::layers(doing()))?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Turn(file)),
                Err(TryLockError::Error(source)) => return Err(PrepareError::Layers { doing: doing(), source }),
                Err(TryLockError::WouldBlock) if start.elapsed() > wait * 2 => {
                    let source = std::io::Error::new(
                        std::io::ErrorKind::TimedOut,
                        "another installation of the same layer does not end",
                    );
                    return Err(PrepareError::Layers { doing: doing(), source });
                }
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
    }

    /// An empty folder for a layer in the making.
    pub(super) fn draft(&self) -> Result<TempDir, PrepareError> {
        let doing = || format!("cannot write to {}", self.folder.display());
        std::fs::create_dir_all(&self.folder).map_err(PrepareError::layers(doing()))?;
        let draft = tempfile::Builder::new()
            .prefix(".draft-")
            .tempdir_in(&self.folder)
            .map_err(PrepareError::layers(doing()))?;
        for part in [ROOT, TREE] {
            std::fs::create_dir(draft.path().join(part)).map_err(PrepareError::layers(doing()))?;
        }
        Ok(draft)
    }

    /// Makes a draft the layer of its key, and makes room.
    pub(super) fn keep(&self, key: &str, draft: TempDir) -> Result<Lease, PrepareError> {
        let folder = self.folder.join(key);
        let doing = || format!("cannot keep {}", folder.display());
        let size = size(draft.path());
        std::fs::write(draft.path().join(USED), size.to_string()).map_err(PrepareError::layers(doing()))?;
        std::fs::rename(draft.path(), &folder).map_err(PrepareError::layers(doing()))?;
        // It is in place under its own name now; there is nothing left to remove.
        let _ = draft.keep();
        let lease = self.find(key)?.ok_or_else(|| PrepareError::Layers {
            doing: doing(),
            source: std::io::ErrorKind::NotFound.into(),
        })?;
        self.evict();
        self.sweep();
        Ok(lease)
    }

    /// Removes drafts and copies of processes that were killed.
    fn sweep(&self) {
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let ours = name.starts_with(".draft-") || name.starts_with(".scratch-") || name.ends_with(".old");
            let age = entry
                .metadata()
                .and_then(|found| found.modified())
                .ok()
                .and_then(|modified| modified.elapsed().ok());
            if ours && age.is_some_and(|age| age > LEFT_BEHIND) {
                remove(&entry.path());
            }
        }
    }

    /// Removes the least recently used layers until the rest has room. What is in use stays.
    fn evict(&self) {
        let mut layers: Vec<(SystemTime, u64, PathBuf)> = std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let used = entry.path().join(USED);
                let size = std::fs::read_to_string(&used).ok()?.trim().parse().ok()?;
                Some((used.metadata().ok()?.modified().ok()?, size, entry.path()))
            })
            .collect();
        layers.sort();
        let mut total: u64 = layers.iter().map(|(_, size, _)| size).sum();
        for (_, size, folder) in layers {
            if total <= self.max_bytes {
                return;
            }
            let free = File::open(folder.join(USED)).is_ok_and(|used| {
                // Away under another name while it is locked, so that nobody finds half of it.
                used.try_lock().is_ok() && {
                    let away = folder.with_extension("old");
                    std::fs::rename(&folder, &away).is_ok() && remove(&away)
                }
            });
            if free {
                tracing::info!(layer = %folder.display(), size, "layer evicted");
                total = total.saturating_sub(size);
            }
        }
    }
}

/// Writes the list of what is in the layer's tree.
pub(super) fn write_made(draft: &Path, made: &[PathBuf]) -> Result<(), PrepareError> {
    let text = serde_json::to_vec(made).unwrap_or_default();
    std::fs::write(draft.join(MADE), text).map_err(PrepareError::layers("cannot write to the layer"))
}

/// The paths that a layer lays into the checkout.
pub(super) fn made(layer: &Path) -> Vec<PathBuf> {
    std::fs::read(layer.join(MADE))
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default()
}

/// Removes a folder, also one whose folders untrusted code has closed to everyone.
fn remove(folder: &Path) -> bool {
    if std::fs::remove_dir_all(folder).is_ok() {
        return true;
    }
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let _ = std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700));
        let below = std::fs::read_dir(folder).into_iter().flatten().flatten();
        folders.extend(
            below
                .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                .map(|entry| entry.path()),
        );
    }
    std::fs::remove_dir_all(folder).is_ok()
}

/// Bytes of all files below; links are not followed.
fn size(folder: &Path) -> u64 {
    let mut total = 0u64;
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() => folders.push(entry.path()),
                Ok(found) => total = total.saturating_add(found.len()),
                Err(_) => {}
            }
        }
    }
    total
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn layer(store: &Store, key: &str, bytes: usize) -> Lease {
        let draft = store.draft().unwrap();
        std::fs::write(draft.path().join(ROOT).join("x"), vec![0; bytes]).unwrap();
        store.keep(key, draft).unwrap()
    }

    #[test]
    fn the_least_recently_used_goes_and_what_is_in_use_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().to_owned(), 2_500);
        let first = layer(&store, "first", 1_000);
        drop(layer(&store, "second", 1_000));
        drop(layer(&store, "third", 1_000));
        assert!(store.find("first").unwrap().is_some(), "it is leased");
        assert!(
            store.find("second").unwrap().is_none(),
            "it was used longest ago of those that are free"
        );
        assert!(store.find("third").unwrap().is_some());
        drop(first);
    }

    #[tokio::test]
    async fn one_builds_and_the_other_waits() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().to_owned(), 1);
        let turn = store.lock("k", Duration::ZERO).await.unwrap();
        assert!(store.lock("k", Duration::ZERO).await.is_err());
        drop(turn);
        assert!(store.lock("k", Duration::ZERO).await.is_ok());
    }
}
