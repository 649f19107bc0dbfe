//! One consumer at the broker: takes, runs handlers, answers, comes back after a lost connection, stops.
//!
//! A handler outlives the connection over which its message came. When the message comes again, and the handler still runs or
//! has meanwhile dealt with it, it is not dealt with twice.

use super::desk::{Ackers, Desk, Taken};
use super::in_hand::InHand;
use super::layout::Layout;
use super::link::{Link, Up};
use crate::error::ConsumeError;
use crate::handler::Handler;
use crate::topology::{Pull, Queue};
use futures::StreamExt as _;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The pause before a consumer that has ended is opened again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a broker may take for one call.
const CALL: Duration = Duration::from_secs(10);

/// One consumer.
pub(super) struct Lane {
    pub(super) link: Arc<Link>,
    pub(super) layout: Arc<Layout>,
    pub(super) in_hand: Arc<InHand>,
    pub(super) handler: Arc<dyn Handler>,
    pub(super) queue: Queue,
    pub(super) prefetch: u16,
    pub(super) concurrency: usize,
    pub(super) drain: Duration,
}

/// How a session at the broker ended.
enum Ended {
    /// As wished; what still runs acknowledges over its channel.
    Stopped(Channel),
    /// Without being asked, or before it began; why.
    Lost(String),
}

impl Lane {
    pub(super) async fn run(self, stop: &CancellationToken) -> Result<(), ConsumeError> {
        let drain = self.drain;
        let mut work = Work {
            desk: Arc::new(Desk::new(
                self.queue.clone(),
                Arc::clone(&self.layout),
                Arc::clone(&self.link),
                Arc::clone(&self.handler),
            )),
            tasks: JoinSet::new(),
            running: HashMap::new(),
            waiting: VecDeque::new(),
        };
        let mut last = None;
        loop {
            // A worker that is busy takes no message that a free one elsewhere could have.
            while self.queue.pull() == Pull::OneByOne && !work.running.is_empty() && !stop.is_cancelled() {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = work.next() => {}
                }
            }
            let up = tokio::select! {
                () = stop.cancelled() => break,
                up = self.link.up() => up,
            };
            match self.session(&up, &mut work, stop).await {
                Ended::Stopped(channel) => {
                    last = Some(channel);
                    break;
                }
                Ended::Lost(why) => {
                    tracing::debug!(queue = %self.queue.name(), why, "a queue is not consumed for a moment");
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = sleep(PAUSE) => {}
                    }
                }
            }
        }
        let drained = timeout(drain, async {
            while !work.running.is_empty() {
                work.next().await;
            }
        });
        if drained.await.is_err() {
            tracing::warn!(queue = %self.queue.name(), running = work.running.len(), "handlers did not end in time: their messages are given back");
        }
        work.tasks.shutdown().await;
        if let Some(channel) = last {
            // This gives back what is not acknowledged.
            let _ = timeout(CALL, channel.close(200, "stopped".into())).await;
        }
        Ok(())
    }

    async fn session(&self, up: &Up, work: &mut Work, stop: &CancellationToken) -> Ended {
        let subscribed = timeout(CALL, self.subscribe(up)).await;
        let (channel, mut consumer) = match subscribed {
            Ok(Ok(subscribed)) => subscribed,
            Ok(Err(error)) => return Ended::Lost(error.to_string()),
            Err(_) => return Ended::Lost("the broker did not answer in time".into()),
        };
        loop {
            work.begin_what_can(self.concurrency);
            tokio::select! {
                biased;
                () = stop.cancelled() => {
                    self.stop(&channel, &consumer, work).await;
                    return Ended::Stopped(channel);
                }
                () = work.next() => {}
                delivery = consumer.next() => match delivery {
                    Some(Ok(delivery)) => work.waiting.push_back(work.desk.take(delivery, &self.in_hand)),
                    Some(Err(error)) => {
                        work.waiting.clear();
                        return Ended::Lost(error.to_string());
                    }
                    None => {
                        work.waiting.clear();
                        return Ended::Lost("the consumer has ended".into());
                    }
                },
            }
        }
    }

    async fn subscribe(&self, up: &Up) -> lapin::Result<(Channel, Consumer)> {
        let channel = up.connection.create_channel().await?;
        self.layout.declare_queue(&channel, &self.queue).await?;
        channel.basic_qos(self.prefetch, BasicQosOptions::default()).await?;
        let consumer = channel
            .basic_consume(
                self.layout.work(&self.queue),
                "".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await?;
        Ok((channel, consumer))
    }

    /// Takes no more, and gives back at once what no handler has begun with.
    async fn stop(&self, channel: &Channel, consumer: &Consumer, work: &mut Work) {
        let cancel = channel.basic_cancel(consumer.tag(), BasicCancelOptions::default());
        let cancelled = timeout(CALL, cancel).await;
        if !matches!(cancelled, Ok(Ok(()))) {
            tracing::debug!(queue = %self.queue.name(), "the consumer could not be cancelled; its channel will be closed");
        }
        for taken in work.waiting.drain(..) {
            let options = BasicNackOptions {
                requeue: true,
                ..BasicNackOptions::default()
            };
            let _ = timeout(CALL, taken.acker.nack(options)).await;
        }
    }
}

/// The running handlers. Dropping it aborts them.
struct Work {
    desk: Arc<Desk>,
    tasks: JoinSet<Uuid>,
    running: HashMap<Uuid, Arc<Ackers>>,
    waiting: VecDeque<Taken>,
}

impl Work {
    fn begin_what_can(&mut self, concurrency: usize) {
        while self.running.len() < concurrency
            && let Some(taken) = self.waiting.pop_front()
        {
            self.begin(taken);
        }
    }

    fn begin(&mut self, taken: Taken) {
        let id = taken.id;
        if let Some(ackers) = self.running.get(&id) {
            return ackers.add(taken.acker);
        }
        taken.held.begins();
        let ackers = Arc::new(Ackers::new(taken.acker.clone()));
        self.running.insert(id, Arc::clone(&ackers));
        let desk = Arc::clone(&self.desk);
        self.tasks.spawn(async move {
            desk.deal(taken, &ackers).await;
            id
        });
    }

    /// Waits for the next handler to end; for ever if none runs.
    async fn next(&mut self) {
        match self.tasks.join_next().await {
            Some(Ok(id)) => {
                self.running.remove(&id);
            }
            // A panic is caught where the handler runs, so only an abort comes here, and then everything ends.
            Some(Err(error)) => tracing::error!(%error, "a handler's task has ended early"),
            None => std::future::pending().await,
        }
    }
}
