//! The one thread that writes the log.

use super::{Command, Entry, SpoolError, State, lock, record};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// A file that is longer gets no more deliveries.
const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;
/// A file without live deliveries is kept up to this size, so that a quiet system does not make a file per delivery.
const IDLE_BYTES: u64 = 256 * 1024;
/// Most bytes of one flush.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

struct Segment {
    file: Arc<File>,
    length: u64,
    live: usize,
}

pub(super) struct Writer {
    state: Arc<State>,
    drain: mpsc::UnboundedSender<Entry>,
    segments: BTreeMap<u64, Segment>,
    /// Where each live delivery is.
    index: HashMap<u64, u64>,
    active: Option<u64>,
    next_segment: u64,
    next_sequence: u64,
    /// Keeps other processes out for as long as this thread lives.
    _guard: File,
}

struct Append {
    bytes: Vec<u8>,
    waiter: Option<oneshot::Sender<domain::message::Decision>>,
    durable: oneshot::Sender<Result<(), SpoolError>>,
}

impl Writer {
    /// Reads what was left, and hands it out.
    pub(super) fn open(state: Arc<State>, drain: mpsc::UnboundedSender<Entry>, guard: File) -> io::Result<Self> {
        let mut writer = Self {
            state,
            drain,
            segments: BTreeMap::new(),
            index: HashMap::new(),
            active: None,
            next_segment: 1,
            next_sequence: 1,
            _guard: guard,
        };
        let mut found: Vec<u64> = Vec::new();
        for file in std::fs::read_dir(&writer.state.limits.dir)? {
            let name = file?.file_name();
            found.extend(
                name.to_str()
                    .and_then(|name| name.strip_suffix(".spool"))
                    .and_then(|id| id.parse::<u64>().ok()),
            );
        }
        found.sort_unstable();
        for id in found {
            writer.next_segment = writer.next_segment.max(id + 1);
            writer.recover(id)?;
        }
        Ok(writer)
    }

    fn path(&self, segment: u64) -> PathBuf {
        self.state.limits.dir.join(format!("{segment:010}.spool"))
    }

    fn recover(&mut self, id: u64) -> io::Result<()> {
        let path = self.path(id);
        let bytes = std::fs::read(&path)?;
        let contents = record::read(&bytes);
        self.next_sequence = self.next_sequence.max(contents.last + 1);
        let rest = bytes.get(contents.sound..).unwrap_or_default();
        if rest.iter().any(|byte| *byte != 0) {
            // Torn by a crash it was never confirmed; damaged by the disk it was, so a person may want to look.
            tracing::warn!(file = %path.display(), bytes = rest.len(), "the end of a spool file cannot be read; it is kept as .damaged");
            std::fs::write(path.with_extension("damaged"), rest)?;
        }
        if contents.live.is_empty() {
            return std::fs::remove_file(&path);
        }
        let file = File::options().read(true).write(true).open(&path)?;
        file.set_len(contents.sound as u64)?;
        let file = Arc::new(file);
        lock(&self.state.files).insert(id, Arc::clone(&file));
        self.state.bytes.fetch_add(contents.sound as u64, Ordering::AcqRel);
        self.state.entries.fetch_add(contents.live.len(), Ordering::AcqRel);
        self.segments.insert(
            id,
            Segment {
                file,
                length: contents.sound as u64,
                live: contents.live.len(),
            },
        );
        for (sequence, (offset, length)) in contents.live {
            self.hand_out(sequence, id, (offset, length), None);
        }
        Ok(())
    }

    /// Passes on a delivery that lies in `segment` at an offset and length in bytes.
    fn hand_out(
        &mut self,
        sequence: u64,
        segment: u64,
        (offset, length): (u64, usize),
        waiter: Option<oneshot::Sender<domain::message::Decision>>,
    ) {
        let since = Instant::now();
        self.index.insert(sequence, segment);
        lock(&self.state.waiting).insert(sequence, since);
        // Nobody drains before `run` and after its end; then the entry waits for the next start.
        let _ = self.drain.send(Entry {
            sequence,
            segment,
            offset,
            length,
            waiter,
            since,
        });
    }

    /// Writes until everybody who could append is gone.
    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        while let Some(first) = inbox.blocking_recv() {
            let mut batch = Vec::new();
            let mut bytes = 0;
            let mut next = Some(first);
            while let Some(command) = next {
                match command {
                    Command::Append {
                        bytes: payload,
                        waiter,
                        durable,
                    } => {
                        bytes += payload.len();
                        batch.push(Append {
                            bytes: payload,
                            waiter,
                            durable,
                        });
                    }
                    Command::Done { sequence } => self.settle(sequence),
                }
                next = if bytes < BATCH_BYTES {
                    inbox.try_recv().ok()
                } else {
                    None
                };
            }
            if !batch.is_empty() {
                self.commit(batch);
            }
        }
        if let Some(active) = self.active.take() {
            self.retire(active);
        }
    }

    /// Appends a batch and flushes it: all of it is durable, or none of it is promised.
    fn commit(&mut self, batch: Vec<Append>) {
        if self.state.broken.load(Ordering::Acquire) {
            return self.refuse(batch, || SpoolError::Broken);
        }
        let id = match self.writable() {
            Ok(id) => id,
            Err(error) => return self.refuse_unwritable(batch, error),
        };
        let Some(segment) = self.segments.get_mut(&id) else {
            return self.refuse(batch, || SpoolError::Broken);
        };
        let begin = segment.length;
        let mut buffer = Vec::new();
        let first = self.next_sequence;
        let sound = batch
            .iter()
            .zip(first..)
            .all(|(append, sequence)| record::delivery(&mut buffer, sequence, &append.bytes));
        if !sound {
            return self.refuse_unwritable(batch, io::ErrorKind::FileTooLarge.into());
        }
        if let Err(error) = segment.file.write_all_at(&buffer, begin) {
            // A full disk may have space again later: the half-written end is cut off, so that the log stays sound.
            if segment.file.set_len(begin).is_err() {
                self.state.broken.store(true, Ordering::Release);
            }
            return self.refuse_unwritable(batch, error);
        }
        if let Err(error) = segment.file.sync_data() {
            // After a failed flush nobody knows what is on the disk, and a second flush would say that all is well.
            self.state.broken.store(true, Ordering::Release);
            return self.refuse_unwritable(batch, error);
        }
        segment.length += buffer.len() as u64;
        segment.live += batch.len();
        self.next_sequence += batch.len() as u64;
        let mut at = begin;
        for (append, sequence) in batch.into_iter().zip(first..) {
            let (offset, length) = (at + record::payload_offset(), append.bytes.len());
            at += record::size(length);
            self.hand_out(sequence, id, (offset, length), append.waiter);
            // Whoever asked may be gone; the delivery is on its way all the same.
            let _ = append.durable.send(Ok(()));
        }
    }

    fn refuse_unwritable(&self, batch: Vec<Append>, error: io::Error) {
        tracing::error!(error = %error, broken = self.state.broken.load(Ordering::Acquire), "a spool write failed; the senders are told 503");
        let error = Arc::new(error);
        self.refuse(batch, || SpoolError::Unwritable(Arc::clone(&error)));
    }

    fn refuse(&self, batch: Vec<Append>, error: impl Fn() -> SpoolError) {
        for append in batch {
            self.state.release(record::size(append.bytes.len()));
            let _ = append.durable.send(Err(error()));
        }
    }

    /// The file that takes the next deliveries.
    fn writable(&mut self) -> io::Result<u64> {
        if let Some(id) = self.active.filter(|id| {
            self.segments
                .get(id)
                .is_some_and(|segment| segment.length < SEGMENT_BYTES)
        }) {
            return Ok(id);
        }
        let id = self.next_segment;
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(self.path(id))?;
        let ready = file
            .write_all_at(&record::MAGIC, 0)
            .and_then(|()| File::open(&self.state.limits.dir)?.sync_all());
        if let Err(error) = ready {
            let _ = std::fs::remove_file(self.path(id));
            return Err(error);
        }
        self.next_segment += 1;
        let length = record::MAGIC.len() as u64;
        self.state.bytes.fetch_add(length, Ordering::AcqRel);
        let file = Arc::new(file);
        lock(&self.state.files).insert(id, Arc::clone(&file));
        self.segments.insert(id, Segment { file, length, live: 0 });
        if let Some(full) = self.active.replace(id) {
            self.retire(full);
        }
        Ok(id)
    }

    /// Notes that a delivery is dealt with. It is not flushed: after a loss of power the delivery comes once more.
    fn settle(&mut self, sequence: u64) {
        let Some(id) = self.index.remove(&sequence) else { return };
        lock(&self.state.waiting).remove(&sequence);
        self.state.entries.fetch_sub(1, Ordering::AcqRel);
        let Some(segment) = self.segments.get_mut(&id) else {
            return;
        };
        segment.live -= 1;
        if segment.live == 0
            && (self.active != Some(id) || segment.length > IDLE_BYTES.min(self.state.limits.max_bytes / 4))
        {
            if self.active == Some(id) {
                self.active = None;
            }
            return self.retire(id);
        }
        let record = record::settled(sequence);
        match segment.file.write_all_at(&record, segment.length) {
            Ok(()) => {
                segment.length += record.len() as u64;
                self.state.bytes.fetch_add(record.len() as u64, Ordering::AcqRel);
            }
            Err(error) => {
                tracing::warn!(error = %error, "a settled delivery could not be noted; it will come once more after a restart");
                let _ = segment.file.set_len(segment.length);
            }
        }
    }

    /// Removes a file once nothing in it is live.
    fn retire(&mut self, id: u64) {
        if self.segments.get(&id).is_none_or(|segment| segment.live > 0) {
            return;
        }
        if let Err(error) = std::fs::remove_file(self.path(id)) {
            tracing::warn!(error = %error, "a finished spool file could not be removed");
        }
        if let Some(segment) = self.segments.remove(&id) {
            self.state.bytes.fetch_sub(segment.length, Ordering::AcqRel);
        }
        lock(&self.state.files).remove(&id);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::settings::SpoolSettings;

    fn append(writer: &mut Writer) -> Result<(), SpoolError> {
        let (durable, mut written) = oneshot::channel();
        writer.state.reserve(record::size(3)).unwrap();
        writer.commit(vec![Append {
            bytes: b"abc".to_vec(),
            waiter: None,
            durable,
        }]);
        written.try_recv().unwrap()
    }

    #[test]
    fn a_flush_that_fails_is_never_trusted_again() {
        let dir = tempfile::tempdir().unwrap();
        let limits = SpoolSettings {
            dir: dir.path().into(),
            ..SpoolSettings::default()
        };
        let state = Arc::new(State {
            limits,
            entries: 0.into(),
            bytes: 0.into(),
            broken: false.into(),
            waiting: std::sync::Mutex::default(),
            files: std::sync::Mutex::default(),
        });
        let (drain, mut entries) = mpsc::unbounded_channel();
        let guard = File::create(dir.path().join("lock")).unwrap();
        let mut writer = Writer::open(Arc::clone(&state), drain, guard).unwrap();
        assert!(append(&mut writer).is_ok());

        // The null device takes every write and refuses to be flushed, as a failing disk may.
        let active = writer.active.unwrap();
        let null = Arc::new(File::options().write(true).open("/dev/null").unwrap());
        let sound = std::mem::replace(&mut writer.segments.get_mut(&active).unwrap().file, null);
        assert!(matches!(append(&mut writer), Err(SpoolError::Unwritable(_))));
        writer.segments.get_mut(&active).unwrap().file = sound;
        assert!(matches!(append(&mut writer), Err(SpoolError::Broken)));

        assert_eq!(state.entries.load(Ordering::Acquire), 1);
        assert!(entries.try_recv().is_ok());
        assert!(entries.try_recv().is_err(), "what was refused is not handed out");
    }
}
