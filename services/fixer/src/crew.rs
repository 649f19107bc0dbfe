//! A crew of workers over several queues: at most so many attempts at once over all of them together. A worker is free first,
//! and takes one message then, so that none waits in the hands of a busy fixer.

use async_trait::async_trait;
use bus::{Answer, Bus, Consume, ConsumeError, Handler, Incoming, Queue};
use futures::future::try_join_all;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How long a free worker waits at one queue before it looks at the next.
const LOOK: Duration = Duration::from_secs(1);
/// Longer than any attempt: while nobody stops the crew, a worker takes its time.
const UNHURRIED: Duration = Duration::from_secs(24 * 3600);

/// Who works, on what.
pub(crate) struct Crew {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) queues: Vec<Queue>,
    /// At most so many at once.
    pub(crate) workers: usize,
    pub(crate) handler: Arc<dyn Handler>,
    /// How long attempts may go on after a stop.
    pub(crate) drain: Duration,
}

impl Crew {
    /// Works until `stop`, and lets what is under way end.
    ///
    /// # Errors
    /// When a queue cannot be consumed.
    pub(crate) async fn work(self, stop: CancellationToken) -> Result<(), ConsumeError> {
        if let [queue] = &self.queues[..] {
            // Within one queue the bus keeps the rule by itself.
            let consume = Consume {
                queue: queue.clone(),
                concurrency: self.workers,
                drain: self.drain,
            };
            return self.bus.consume(consume, self.handler, stop).await;
        }
        try_join_all((0..self.workers).map(|worker| self.worker(worker, &stop))).await?;
        Ok(())
    }

    /// Goes round the queues, each worker from another one on. It stands at one at a time: at several at once it would be handed
    /// what it then had to give back, again and again.
    async fn worker(&self, first: usize, stop: &CancellationToken) -> Result<(), ConsumeError> {
        for queue in self.queues.iter().cycle().skip(first) {
            if stop.is_cancelled() {
                break;
            }
            self.turn(queue, stop).await?;
        }
        Ok(())
    }

    /// Waits for a message, not for long, and deals with it, however long that takes.
    async fn turn(&self, queue: &Queue, stop: &CancellationToken) -> Result<(), ConsumeError> {
        let enough = stop.child_token();
        let hand = Hand {
            handler: Arc::clone(&self.handler),
            free: AtomicBool::new(true),
            enough: enough.clone(),
        };
        let consume = Consume {
            queue: queue.clone(),
            concurrency: 1,
            drain: UNHURRIED,
        };
        let mut turn = pin!(self.bus.consume(consume, Arc::new(hand), enough.clone()));
        tokio::select! {
            over = &mut turn => return over,
            () = sleep(LOOK) => enough.cancel(),
        }
        tokio::select! {
            over = turn => over,
            // Dropped, it gives its message back.
            () = async { stop.cancelled().await; sleep(self.drain).await } => Ok(()),
        }
    }
}

/// A free worker's hand, which takes one message.
struct Hand {
    handler: Arc<dyn Handler>,
    free: AtomicBool,
    /// That the consumer is to fetch nothing more.
    enough: CancellationToken,
}

#[async_trait]
impl Handler for Hand {
    async fn handle(&self, incoming: Incoming) -> Answer {
        self.enough.cancel();
        if !self.free.swap(false, Ordering::AcqRel) {
            return Answer::Again {
                reason: "the worker has taken another one".into(),
            };
        }
        self.handler.handle(incoming).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bus::{Envelope, MemoryBus, handler};
    use domain::message::Kind;
    use serde_json::json;
    use std::sync::Mutex;
    use std::sync::atomic::AtomicUsize;
    use tokio::time::timeout;

    const PATIENCE: Duration = Duration::from_secs(20);
    const QUEUES: [Queue; 2] = [Queue::FixerFix, Queue::FixerAnalyse];

    async fn publish(bus: &MemoryBus, count: usize) {
        for number in 0..count {
            for kind in ["fix", "analyse"] {
                let body = json!({ "kind": kind, "number": number });
                drop(
                    bus.publish(Envelope::new(Kind::AttemptRequested, 1, body))
                        .await
                        .unwrap(),
                );
            }
        }
    }

    /// How many messages handlers have, and how many are dead, in all queues.
    async fn held(bus: &MemoryBus) -> (usize, usize) {
        let depth = bus.depth().await;
        let sum = |number: fn(&bus::QueueDepth) -> usize| depth.iter().map(number).sum();
        (sum(|queue| queue.unacknowledged), sum(|queue| queue.dead))
    }

    fn crew(bus: &MemoryBus, workers: usize, handler: Arc<dyn Handler>) -> Crew {
        Crew {
            bus: Arc::new(bus.clone()),
            queues: QUEUES.to_vec(),
            workers,
            handler,
            drain: Duration::from_millis(100),
        }
    }

    /// What a crew's handlers have seen.
    #[derive(Default)]
    struct Seen {
        running: AtomicUsize,
        most: AtomicUsize,
        held: Mutex<Vec<usize>>,
        again: AtomicBool,
    }

    #[tokio::test]
    async fn a_crew_shares_its_workers_over_all_queues() {
        for workers in [1, 3] {
            let (bus, seen, stop) = (
                MemoryBus::default(),
                Arc::new(Seen::default()),
                CancellationToken::new(),
            );
            publish(&bus, 6).await;
            let (look, sees) = (bus.clone(), Arc::clone(&seen));
            let work = handler(move |incoming| {
                let (bus, seen) = (look.clone(), Arc::clone(&sees));
                async move {
                    seen.again.fetch_or(incoming.redelivered, Ordering::SeqCst);
                    let running = seen.running.fetch_add(1, Ordering::SeqCst) + 1;
                    seen.most.fetch_max(running, Ordering::SeqCst);
                    sleep(Duration::from_millis(30)).await;
                    let (held, _) = held(&bus).await;
                    seen.held.lock().unwrap().push(held);
                    seen.running.fetch_sub(1, Ordering::SeqCst);
                    Answer::Done
                }
            });
            let working = tokio::spawn(crew(&bus, workers, work).work(stop.clone()));
            timeout(PATIENCE, bus.idle()).await.unwrap();
            stop.cancel();
            timeout(PATIENCE, working).await.unwrap().unwrap().unwrap();
            assert_eq!((seen.most.load(Ordering::SeqCst), held(&bus).await), (workers, (0, 0)));
            assert!(!seen.again.load(Ordering::SeqCst), "nothing was given back on the way");
            let held = seen.held.lock().unwrap().clone();
            assert_eq!(held.len(), 12, "each was dealt with once");
            assert!(
                held.iter().all(|held| *held <= workers),
                "nobody holds what it cannot do: {held:?}"
            );
        }
    }

    #[tokio::test]
    async fn what_does_not_end_after_a_stop_is_given_back() {
        let bus = MemoryBus::default();
        publish(&bus, 1).await;
        let stop = CancellationToken::new();
        let work = handler(|_| std::future::pending::<Answer>());
        let working = tokio::spawn(crew(&bus, 1, work).work(stop.clone()));
        let taken = testkit::eventually("it works", PATIENCE, async || (held(&bus).await.0 == 1).then_some(()));
        taken.await.unwrap();
        stop.cancel();
        timeout(PATIENCE, working).await.unwrap().unwrap().unwrap();
        let back = testkit::eventually("it is given back", PATIENCE, async || {
            (held(&bus).await == (0, 0)).then_some(())
        });
        back.await.unwrap();
        assert_eq!(bus.in_flight(), 2);
    }
}
