//! Tells the planner how far an attempt is: every stage as it is entered, and a sign of life in between.

use crate::Fixer;
use crate::progress::{Event, Progress};
use chrono::{DateTime, Utc};
use domain::attempt::{Fence, Stage};
use domain::message::{AttemptProgressed, AttemptRequested};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How often a fixer says that it is alive.
const PERIOD: Duration = Duration::from_secs(5);
/// Least time before lines and counts are told, so that a chatty attempt does not fill the bus. No stage waits for it.
const PAUSE: Duration = Duration::from_millis(50);
/// Lines of progress that are kept between two messages.
const MAX_LINES: usize = 50;
/// How long the end of an attempt waits for what is left to tell.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Progress on its way from the work to the bus.
pub struct Heartbeat(Arc<Shared>);

struct Shared {
    latest: Mutex<Latest>,
    stage: Notify,
    rest: Notify,
}

struct Latest {
    stage: Stage,
    /// The stages that nobody has heard of yet, in order: also one that is over in milliseconds is said.
    entered: VecDeque<Stage>,
    tried: u64,
    /// How many candidates the planner knows of.
    told: u64,
    lines: Vec<String>,
    /// The limit of GitHub's that the planner knows of.
    limited: Option<DateTime<Utc>>,
}

/// The progress to tell, and what says it to the planner.
#[must_use]
pub fn start() -> (Progress, Heartbeat) {
    let shared = Arc::new(Shared {
        latest: Mutex::new(Latest {
            stage: Stage::Claim,
            entered: VecDeque::new(),
            tried: 0,
            told: 0,
            lines: Vec::new(),
            limited: None,
        }),
        stage: Notify::new(),
        rest: Notify::new(),
    });
    let told = Arc::clone(&shared);
    let progress = Progress::to(move |event| {
        let woken = match &event {
            Event::Entered(_) => &told.stage,
            Event::Line(_) | Event::Tried(_) => &told.rest,
        };
        told.latest().note(event);
        woken.notify_one();
    });
    (progress, Heartbeat(shared))
}

impl Heartbeat {
    /// Goes on until it is dropped. A message that cannot be sent is not sent again: the next one says more.
    pub async fn beat(&self, fixer: &Fixer, request: &AttemptRequested, fence: Fence) {
        let mut limits = fixer.door(&request.project.repo, None).limits();
        loop {
            self.say(fixer, request, fence).await;
            let chatter = async {
                tokio::time::sleep(PAUSE).await;
                self.0.until(&self.0.rest, Latest::has_chatter).await;
            };
            tokio::select! {
                () = self.0.until(&self.0.stage, Latest::has_stage) => {}
                () = limits.met() => {}
                () = chatter => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    /// Says what [`Self::beat`] was dropped before it could say.
    pub async fn finish(&self, fixer: &Fixer, request: &AttemptRequested, fence: Fence) {
        let limited = fixer.door(&request.project.repo, None).limited_until();
        let left = {
            let latest = self.0.latest();
            latest.has_stage() || latest.has_chatter() || (limited.is_some() && limited != latest.limited)
        };
        if left
            && tokio::time::timeout(LAST_WORDS, self.say(fixer, request, fence))
                .await
                .is_err()
        {
            tracing::debug!(attempt = %request.attempt, "the last progress was not told in time");
        }
    }

    /// One message for each stage that was entered, or for the present one; the lines go with the last.
    async fn say(&self, fixer: &Fixer, request: &AttemptRequested, fence: Fence) {
        loop {
            let message = self.next(fixer, request, fence);
            if let Err(error) = fixer.publish(&message).await {
                tracing::debug!(%error, "progress was not told");
            }
            // Only now: whoever drops this in between has it said again rather than never.
            let all = self.0.latest().told(&message);
            if all {
                return;
            }
        }
    }

    fn next(&self, fixer: &Fixer, request: &AttemptRequested, fence: Fence) -> AttemptProgressed {
        let latest = self.0.latest();
        let stage = latest.entered.front().copied().unwrap_or(latest.stage);
        let last = latest.entered.len() <= 1;
        AttemptProgressed {
            attempt: request.attempt,
            fence,
            stage,
            percent: stage.percent(),
            candidates_tried: latest.tried,
            lines: if last { latest.lines.clone() } else { Vec::new() },
            limited_until: fixer.door(&request.project.repo, None).limited_until(),
            at: fixer.now(),
        }
    }
}

impl Shared {
    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is something to say; what was said meanwhile does not count.
    async fn until(&self, news: &Notify, there: fn(&Latest) -> bool) {
        loop {
            let something = there(&self.latest());
            if something {
                return;
            }
            news.notified().await;
        }
    }
}

impl Latest {
    fn note(&mut self, event: Event) {
        match event {
            Event::Entered(stage) => {
                self.stage = stage;
                self.entered.push_back(stage);
            }
            Event::Tried(tried) => self.tried = tried,
            Event::Line(line) if self.lines.len() < MAX_LINES => self.lines.push(line),
            Event::Line(_) => {}
        }
    }

    fn has_stage(&self) -> bool {
        !self.entered.is_empty()
    }

    fn has_chatter(&self) -> bool {
        !self.lines.is_empty() || self.tried != self.told
    }

    /// A message was sent: whether no stage is left to say.
    fn told(&mut self, message: &AttemptProgressed) -> bool {
        if self.entered.front() == Some(&message.stage) {
            self.entered.pop_front();
        }
        self.told = message.candidates_tried;
        self.limited = message.limited_until;
        let lines = message.lines.len().min(self.lines.len());
        self.lines.drain(..lines);
        self.entered.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case;
    use bus::MemoryBus;
    use domain::message::Kind;
    use std::time::Instant;
    use testkit::{TappedBus, eventually};

    const FENCE: Fence = Fence(2);
    const PATIENCE: Duration = Duration::from_secs(4);

    fn tap() -> TappedBus {
        TappedBus::new(Arc::new(MemoryBus::default()))
    }

    fn stages(tap: &TappedBus) -> Vec<Stage> {
        let mut stages: Vec<Stage> = tap.seen::<AttemptProgressed>().iter().map(|said| said.stage).collect();
        stages.dedup();
        stages
    }

    fn lines(tap: &TappedBus) -> Vec<String> {
        let said = tap.seen::<AttemptProgressed>();
        said.into_iter().flat_map(|said| said.lines).collect()
    }

    #[tokio::test]
    async fn a_stage_is_said_at_once_and_in_order() {
        let (tap, (progress, heartbeat)) = (tap(), start());
        let (fixer, _home) = case::fixer(Arc::new(tap.clone()), case::NOBODY);
        let request = case::request(&fixer);
        let story = async {
            let begun = Instant::now();
            for stage in Stage::ALL {
                progress.enter(stage);
                while stages(&tap).last() != Some(&stage) {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            begun.elapsed()
        };
        let took = tokio::select! {
            took = story => took,
            () = heartbeat.beat(&fixer, &request, FENCE) => unreachable!("it goes on"),
        };
        assert_eq!(stages(&tap), Stage::ALL);
        assert!(took < PAUSE * 9, "no stage waits for a pause: {took:?}");
    }

    #[tokio::test]
    async fn chatter_is_gathered_and_nothing_of_it_is_lost() {
        let (tap, (progress, heartbeat)) = (tap(), start());
        let (fixer, _home) = case::fixer(Arc::new(tap.clone()), case::NOBODY);
        let request = case::request(&fixer);
        let wanted: Vec<String> = (0..40).map(|number| format!("line {number}")).collect();
        let begun = Instant::now();
        let story = async {
            progress.enter(Stage::Propose);
            for (number, line) in (1..).zip(&wanted) {
                progress.line(line.clone());
                progress.tried(number);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            () = story => {}
            () = heartbeat.beat(&fixer, &request, FENCE) => unreachable!("it goes on"),
        }
        let most = 2 + begun.elapsed().as_millis() / PAUSE.as_millis();
        assert!(tap.seen::<AttemptProgressed>().len() as u128 <= most);
        heartbeat.finish(&fixer, &request, FENCE).await;
        assert_eq!(lines(&tap), wanted);
        let said = tap.seen::<AttemptProgressed>();
        assert_eq!(said.last().map(|said| said.candidates_tried), Some(40));
        // Nothing is left, so nothing is said.
        heartbeat.finish(&fixer, &request, FENCE).await;
        assert_eq!(tap.seen::<AttemptProgressed>().len(), said.len());
    }

    #[tokio::test]
    async fn the_last_stages_are_said_after_the_work_has_ended() {
        let (tap, (progress, heartbeat)) = (tap(), start());
        let (fixer, _home) = case::fixer(Arc::new(tap.clone()), case::NOBODY);
        let request = case::request(&fixer);
        let hold = tap.hold(Kind::AttemptProgressed);
        progress.enter(Stage::Prove);
        tokio::select! {
            _ = hold.caught() => {}
            () = heartbeat.beat(&fixer, &request, FENCE) => unreachable!("it goes on"),
        }
        progress.enter(Stage::Ask);
        progress.enter(Stage::Publish);
        let begun = Instant::now();
        heartbeat.finish(&fixer, &request, FENCE).await;
        assert!(
            begun.elapsed() < LAST_WORDS * 3,
            "a deaf bus holds the report up for a moment"
        );
        hold.release();
        heartbeat.finish(&fixer, &request, FENCE).await;
        assert_eq!(stages(&tap), [Stage::Prove, Stage::Ask, Stage::Publish]);
    }

    #[tokio::test]
    async fn a_limit_that_one_attempt_meets_is_said_by_all_at_once() {
        let (tap, (_progress, heartbeat)) = (tap(), start());
        let github = case::github_that_says(case::LIMITED).await;
        let (fixer, _home) = case::fixer(Arc::new(tap.clone()), &github);
        let request = case::request(&fixer);
        let said = || async { tap.seen::<AttemptProgressed>().last().map(|said| said.limited_until) };
        let story = async {
            let before = eventually("it beats", PATIENCE, said).await.unwrap();
            assert_eq!(before, None);
            let met = fixer
                .door(&request.project.repo, None)
                .repository(&request.project.repo)
                .await;
            assert!(matches!(met, Err(github::GitHubError::Limited { .. })));
            let told = eventually("it is said", PATIENCE, || async { said().await.flatten() }).await;
            assert_eq!(told.ok(), fixer.door(&request.project.repo, None).limited_until());
        };
        tokio::select! {
            () = story => {}
            () = heartbeat.beat(&fixer, &request, FENCE) => unreachable!("it goes on"),
        }
        // Another attempt of the same process says it also when it ends before it could beat.
        let (_progress, heartbeat) = start();
        let before = tap.seen::<AttemptProgressed>().len();
        heartbeat.finish(&fixer, &request, FENCE).await;
        assert_eq!(tap.seen::<AttemptProgressed>().len(), before + 1);
        assert_eq!(
            said().await.flatten(),
            fixer.door(&request.project.repo, None).limited_until()
        );
    }
}
