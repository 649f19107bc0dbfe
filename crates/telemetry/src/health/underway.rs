//! Whether something is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Whether something is under way. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Underway(Arc<AtomicUsize>);

impl Underway {
    /// It is under way until `work` ends or is dropped.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let _begun = Begun::new(&self.0);
        work.await
    }

    /// Whether it is under way.
    #[must_use]
    pub fn is(&self) -> bool {
        self.0.load(Ordering::Acquire) > 0
    }
}

struct Begun<'a>(&'a AtomicUsize);

impl<'a> Begun<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
