//! Tells the planner how far an attempt is: every stage as it is entered, and a sign of life in between.

use crate::Fixer;
use crate::progress::{Event, Progress};
use domain::attempt::{Fence, Stage};
use domain::message::{AttemptProgressed, AttemptRequested};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// How often a fixer says that it is alive.
const PERIOD: Duration = Duration::from_secs(5);
/// Least time between two messages, so that a chatty attempt does not fill the bus.
const PAUSE: Duration = Duration::from_millis(50);
/// Lines of progress that are kept between two messages.
const MAX_LINES: usize = 50;

/// Progress on its way from the work to the bus.
pub struct Heartbeat {
    latest: Arc<Mutex<Latest>>,
    news: mpsc::Receiver<()>,
}

struct Latest {
    stage: Stage,
    /// The stages that nobody has heard of yet, in order: also one that is over in milliseconds is said.
    entered: Vec<Stage>,
    tried: u64,
    lines: Vec<String>,
}

/// The progress to tell, and what says it to the planner.
#[must_use]
pub fn start() -> (Progress, Heartbeat) {
    let latest = Arc::new(Mutex::new(Latest {
        stage: Stage::Claim,
        entered: Vec::new(),
        tried: 0,
        lines: Vec::new(),
    }));
    let (wake, news) = mpsc::channel::<()>(1);
    let told = Arc::clone(&latest);
    let progress = Progress::to(move |event| {
        told.lock().unwrap_or_else(PoisonError::into_inner).note(event);
        let _ = wake.try_send(());
    });
    (progress, Heartbeat { latest, news })
}

impl Heartbeat {
    /// Goes on until it is dropped. A message that cannot be sent is not sent again: the next one says more.
    pub async fn beat(mut self, fixer: &Fixer, request: &AttemptRequested, fence: Fence) {
        loop {
            let messages = self.messages(fixer, request, fence);
            for message in &messages {
                if let Err(error) = fixer.publish(message).await {
                    tracing::debug!(%error, "progress was not told");
                }
            }
            let _ = tokio::time::timeout(PERIOD, self.news.recv()).await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// One message for each stage that was entered, or for the present one; the lines go with the last.
    fn messages(&self, fixer: &Fixer, request: &AttemptRequested, fence: Fence) -> Vec<AttemptProgressed> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stages = std::mem::take(&mut latest.entered);
        if stages.is_empty() {
            stages.push(latest.stage);
        }
        let message = |stage: Stage| AttemptProgressed {
            attempt: request.attempt,
            fence,
            stage,
            percent: stage.percent(),
            candidates_tried: latest.tried,
            lines: Vec::new(),
            at: fixer.now(),
        };
        let mut messages: Vec<_> = stages.into_iter().map(message).collect();
        if let Some(last) = messages.last_mut() {
            last.lines = std::mem::take(&mut latest.lines);
        }
        messages
    }
}

impl Latest {
    fn note(&mut self, event: Event) {
        match event {
            Event::Entered(stage) => {
                self.stage = stage;
                self.entered.push(stage);
            }
            Event::Tried(tried) => self.tried = tried,
            Event::Line(line) if self.lines.len() < MAX_LINES => self.lines.push(line),
            Event::Line(_) => {}
        }
    }
}
