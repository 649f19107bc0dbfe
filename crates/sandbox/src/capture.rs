//! Keeps the head and the tail of an endless stream in bounded memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::Captured;

/// A bounded copy of what a stream has said so far. Clones share it.
#[derive(Clone)]
pub(crate) struct Capture(Arc<Mutex<Kept>>);

struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    half: usize,
    dropped: u64,
}

impl Capture {
    pub(crate) fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(Kept {
            head: Vec::new(),
            tail: VecDeque::new(),
            half: limit / 2,
            dropped: 0,
        })))
    }

    /// Reads to the end of the stream; ends early when the stream fails.
    pub(crate) async fn drain(self, mut stream: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; 32 << 10];
        while let Ok(read) = stream.read(&mut buffer).await {
            if read == 0 {
                break;
            }
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(&buffer[..read]);
        }
    }

    /// How much is kept at most.
    pub(crate) fn limit(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).half * 2
    }

    pub(crate) fn text(&self) -> Captured {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).text()
    }
}

impl Kept {
    fn push(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(self.half - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(self.half);
        self.tail.drain(..surplus);
        self.dropped += surplus as u64;
    }

    fn text(&self) -> Captured {
        let (front, back) = self.tail.as_slices();
        let text = if self.dropped == 0 {
            let whole = [self.head.as_slice(), front, back].concat();
            String::from_utf8_lossy(&whole).into_owned()
        } else {
            let tail = [front, back].concat();
            format!(
                "{}\n… {} bytes left out …\n{}",
                String::from_utf8_lossy(&self.head),
                self.dropped,
                String::from_utf8_lossy(&tail)
            )
        };
        Captured {
            text,
            truncated_bytes: self.dropped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_head_and_tail() {
        let capture = Capture::new(10);
        capture.clone().drain(&b"0123456789"[..]).await;
        assert_eq!(
            capture.text(),
            Captured {
                text: "0123456789".into(),
                truncated_bytes: 0
            }
        );
        capture.clone().drain(&b"abc"[..]).await;
        let text = capture.text();
        assert_eq!(text.truncated_bytes, 3);
        assert_eq!(text.text, "01234\n… 3 bytes left out …\n89abc");
    }
}
