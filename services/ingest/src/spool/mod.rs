//! Where an accepted delivery lives until the planner has it: an append-only log on disk. One thread writes, and flushes for
//! everybody who waits at that moment, so that a burst costs one flush and a single delivery costs no waiting.

mod record;
mod writer;

use crate::settings::SpoolSettings;
use domain::message::Decision;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// A delivery that is on disk, on its way to whoever publishes it.
pub(crate) struct Entry {
    pub(crate) sequence: u64,
    segment: u64,
    offset: u64,
    length: usize,
    /// Who waits for the planner's decision, where somebody does.
    pub(crate) waiter: Option<oneshot::Sender<Decision>>,
    pub(crate) since: Instant,
}

/// Why a delivery was not made durable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpoolError {
    #[error(
        "the spool is full ({entries} deliveries, {bytes} bytes): raise ingest.spool.max_bytes or max_entries, or see why the planner does not take them"
    )]
    Full { entries: usize, bytes: u64 },
    #[error("the spool's disk has failed a flush and is no longer trusted: replace the disk, then restart")]
    Broken,
    #[error("the spool cannot be written")]
    Unwritable(#[source] Arc<std::io::Error>),
    #[error("the spool did not answer in time")]
    Slow,
}

/// Why the spool cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("ingest.spool.dir `{0}` is used by another process: give each its own folder")]
    InUse(PathBuf),
    #[error("ingest.spool.dir `{dir}` cannot be used")]
    Unusable {
        dir: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// How much waits in the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Deliveries.
    pub entries: usize,
    /// Bytes on disk.
    pub bytes: u64,
    /// How long the oldest has been waiting in this process.
    pub oldest: Option<Duration>,
}

pub(crate) struct Spool {
    commands: mpsc::Sender<Command>,
    state: Arc<State>,
    /// Why the last delivery was not stored, if it was not.
    refused: Mutex<Option<Refused>>,
}

/// A delivery that was not stored.
struct Refused {
    why: String,
    at: Instant,
    /// How much room it needed, where there was too little.
    needed: Option<u64>,
}

enum Command {
    Append {
        bytes: Vec<u8>,
        waiter: Option<oneshot::Sender<Decision>>,
        durable: oneshot::Sender<Result<(), SpoolError>>,
    },
    Done {
        sequence: u64,
    },
}

/// What the writing thread and everybody else share.
struct State {
    limits: SpoolSettings,
    entries: AtomicUsize,
    bytes: AtomicU64,
    broken: AtomicBool,
    waiting: Mutex<BTreeMap<u64, Instant>>,
    files: Mutex<HashMap<u64, Arc<File>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a request waits for the disk before its sender is told to come again.
const DURABLE_TIMEOUT: Duration = Duration::from_secs(5);
/// So long it is believed that the next delivery would meet what the last one met. Then somebody has to try: those who send may be
/// waiting for the word that there is no trouble.
const BELIEVED: Duration = Duration::from_secs(10);
/// Commands between the requests and the writing thread.
const COMMANDS: usize = 1024;

impl Spool {
    /// Opens the folder, and hands out what was left in it, then what is appended.
    pub(crate) fn open(limits: &SpoolSettings) -> Result<(Self, mpsc::UnboundedReceiver<Entry>), OpenError> {
        let unusable = |source| OpenError::Unusable {
            dir: limits.dir.clone(),
            source,
        };
        std::fs::create_dir_all(&limits.dir).map_err(unusable)?;
        let guard = only_user(&limits.dir)
            .map_err(unusable)?
            .ok_or_else(|| OpenError::InUse(limits.dir.clone()))?;
        let state = Arc::new(State {
            limits: limits.clone(),
            entries: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
            broken: AtomicBool::new(false),
            waiting: Mutex::default(),
            files: Mutex::default(),
        });
        // Unbounded, and yet bounded: there is one entry in it per delivery on disk at most.
        let (drain, entries) = mpsc::unbounded_channel();
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let writer = writer::Writer::open(Arc::clone(&state), drain, guard).map_err(unusable)?;
        std::thread::Builder::new()
            .name("spool".into())
            .spawn(move || writer.run(inbox))
            .map_err(unusable)?;
        Ok((
            Self {
                commands,
                state,
                refused: Mutex::default(),
            },
            entries,
        ))
    }

    /// Returns once the bytes would survive a loss of power.
    pub(crate) async fn append(
        &self,
        bytes: Vec<u8>,
        waiter: Option<oneshot::Sender<Decision>>,
    ) -> Result<(), SpoolError> {
        let size = record::size(bytes.len());
        let done = self.store(bytes, waiter).await;
        // What the last delivery met is what the next one has to expect.
        *lock(&self.refused) = done.as_ref().err().map(|why| Refused {
            why: why.to_string(),
            at: Instant::now(),
            needed: matches!(why, SpoolError::Full { .. }).then_some(size),
        });
        done
    }

    async fn store(&self, bytes: Vec<u8>, waiter: Option<oneshot::Sender<Decision>>) -> Result<(), SpoolError> {
        if self.state.broken.load(Ordering::Acquire) {
            return Err(SpoolError::Broken);
        }
        self.state.reserve(record::size(bytes.len()))?;
        let (durable, written) = oneshot::channel();
        let size = record::size(bytes.len());
        let place = tokio::time::timeout(DURABLE_TIMEOUT, self.commands.reserve()).await;
        let Ok(Ok(place)) = place else {
            self.state.release(size);
            return Err(if place.is_err() {
                SpoolError::Slow
            } else {
                SpoolError::Broken
            });
        };
        place.send(Command::Append { bytes, waiter, durable });
        // The writer owns the reservation from here on, whatever becomes of this request.
        match tokio::time::timeout(DURABLE_TIMEOUT, written).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(SpoolError::Broken),
            Err(_) => Err(SpoolError::Slow),
        }
    }

    /// The bytes of an entry.
    pub(crate) async fn read(&self, entry: &Entry) -> std::io::Result<Vec<u8>> {
        let file = lock(&self.state.files).get(&entry.segment).map(Arc::clone);
        let file = file.ok_or_else(|| std::io::Error::other("the entry's file is gone"))?;
        let (offset, length) = (entry.offset, entry.length);
        let reading = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, offset)?;
            Ok(bytes)
        });
        reading.await.map_err(std::io::Error::other)?
    }

    /// Forgets an entry; whoever owns its message now has dealt with it.
    pub(crate) async fn done(&self, sequence: u64) {
        // When the writer is gone the entry stays, and comes once more after the next start.
        let _ = self.commands.send(Command::Done { sequence }).await;
    }

    pub(crate) fn depth(&self) -> Depth {
        let oldest = lock(&self.state.waiting).values().next().map(Instant::elapsed);
        Depth {
            entries: self.state.entries.load(Ordering::Acquire),
            bytes: self.state.bytes.load(Ordering::Acquire),
            oldest,
        }
    }

    /// Why a delivery could not be stored now.
    pub(crate) fn trouble(&self) -> Option<String> {
        if self.state.broken.load(Ordering::Acquire) {
            return Some(SpoolError::Broken.to_string());
        }
        let refused = lock(&self.refused);
        let still = refused.as_ref().filter(|refused| match refused.needed {
            Some(size) => !self.state.has_room(size),
            None => refused.at.elapsed() < BELIEVED,
        });
        still.map(|refused| refused.why.clone())
    }
}

impl State {
    fn reserve(&self, size: u64) -> Result<(), SpoolError> {
        let full = || SpoolError::Full {
            entries: self.entries.load(Ordering::Acquire),
            bytes: self.bytes.load(Ordering::Acquire),
        };
        let one_more = |entries| (entries < self.limits.max_entries).then_some(entries + 1);
        self.entries
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more)
            .map_err(|_| full())?;
        let more = |bytes: u64| bytes.checked_add(size).filter(|sum| *sum <= self.limits.max_bytes);
        if self
            .bytes
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
            .is_err()
        {
            self.entries.fetch_sub(1, Ordering::AcqRel);
            return Err(full());
        }
        Ok(())
    }

    fn has_room(&self, size: u64) -> bool {
        let bytes = self.bytes.load(Ordering::Acquire).checked_add(size);
        self.entries.load(Ordering::Acquire) < self.limits.max_entries
            && bytes.is_some_and(|bytes| bytes <= self.limits.max_bytes)
    }

    fn release(&self, size: u64) {
        self.entries.fetch_sub(1, Ordering::AcqRel);
        self.bytes.fetch_sub(size, Ordering::AcqRel);
    }
}

/// Takes the folder for this process; a predecessor may still be on its way out. `None` when somebody else keeps it.
fn only_user(dir: &Path) -> std::io::Result<Option<File>> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("lock"))?;
    for _ in 0..50 {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(None)
}
