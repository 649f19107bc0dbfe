//! A consumer of a queue in memory: takes, runs handlers, answers, stops.

use super::line::{Line, Tag};
use crate::Consume;
use crate::handler::{Answer, Handler, Incoming, panic_text};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Takes messages until `stop`, then lets the running handlers end.
pub(super) async fn run(line: Arc<Line>, consume: &Consume, handler: Arc<dyn Handler>, stop: &CancellationToken) {
    let mut work = Work {
        line: Arc::clone(&line),
        handler,
        tasks: JoinSet::new(),
        tags: HashMap::new(),
    };
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            ended = work.next() => work.answer(ended),
            (tag, incoming) = line.take(), if work.tags.len() < consume.concurrency => work.begin(tag, incoming),
        }
    }
    let drained = timeout(consume.drain, async {
        while !work.tags.is_empty() {
            let ended = work.next().await;
            work.answer(ended);
        }
    });
    if drained.await.is_err() {
        tracing::warn!(queue = %line.queue.name(), running = work.tags.len(), "handlers did not end in time: their messages are given back");
    }
}

/// The running handlers. Dropping it aborts them and gives their messages back, without waiting for them to notice.
struct Work {
    line: Arc<Line>,
    handler: Arc<dyn Handler>,
    tasks: JoinSet<Answer>,
    tags: HashMap<Id, Tag>,
}

impl Work {
    fn begin(&mut self, tag: Tag, incoming: Incoming) {
        let handler = Arc::clone(&self.handler);
        let task = self.tasks.spawn(async move { handler.handle(incoming).await });
        self.tags.insert(task.id(), tag);
    }

    /// Waits for the next handler to end; for ever if none runs.
    async fn next(&mut self) -> Result<(Id, Answer), JoinError> {
        match self.tasks.join_next_with_id().await {
            Some(ended) => ended,
            None => std::future::pending().await,
        }
    }

    fn answer(&mut self, ended: Result<(Id, Answer), JoinError>) {
        let (id, answer) = ended.unwrap_or_else(|error| {
            let id = error.id();
            (id, Answer::Again { reason: broken(error) })
        });
        if let Some(tag) = self.tags.remove(&id) {
            self.line.answer(tag, answer);
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.tasks.abort_all();
        self.line.give_back(self.tags.drain().map(|(_, tag)| tag));
    }
}

fn broken(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => panic_text(&*panic),
        Err(_) => "the handler was aborted".into(),
    }
}
