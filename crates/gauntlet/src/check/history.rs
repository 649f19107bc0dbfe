//! A ledger in the order in which it is asked.

use crate::fault::Fault;
use crate::ledger::{Answered, Attempt, Entry};
use crate::record::{Job, Message, Repository};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From …
    pub from: DateTime<Utc>,
    /// … to.
    pub to: DateTime<Utc>,
}

impl Window {
    /// Whether the two share a moment.
    pub fn meets(&self, other: &Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }

    /// The same and a while longer.
    pub fn and(mut self, while_longer: TimeDelta) -> Self {
        self.to += while_longer;
        self
    }
}

/// A fault from its beginning to its end.
#[derive(Clone, Debug)]
pub struct Happened<'a> {
    /// Which.
    pub fault: &'a Fault,
    /// When.
    pub window: Window,
    /// How long until all was well again.
    pub recovered_ms: Option<u64>,
}

/// A fixer that was killed.
pub struct Death<'a> {
    /// When.
    pub at: DateTime<Utc>,
    /// What it was doing.
    pub held: &'a [Attempt],
}

/// Everything, in the order in which it is asked.
#[derive(Default)]
pub struct History<'a> {
    /// Repositories of incidents, and whether an alert made them.
    pub incidents: BTreeMap<&'a str, bool>,
    /// Webhooks that came, by their number: what they say.
    pub sent: BTreeMap<&'a str, &'a str>,
    /// Answers to copies.
    pub answers: Vec<&'a Answered>,
    /// Faults that have ended.
    pub faults: Vec<Happened<'a>>,
    /// When which process could not answer.
    pub down: Vec<(&'a str, Window)>,
    /// Fixers that were killed.
    pub deaths: Vec<Death<'a>>,
    /// Processes that ended by themselves.
    pub fell: Vec<(&'a str, DateTime<Utc>, &'a str)>,
    /// What outlived those who had started it.
    pub strays: Vec<(&'a str, &'a [String])>,
    /// States that jobs were seen in, in order.
    pub seen: BTreeMap<&'a str, Vec<&'a str>>,
    /// How often somebody looked, and how often nothing was to do.
    pub looks: (u64, u64),
    /// Bad messages by their kind: surely sent, and all that may have been.
    pub poison: BTreeMap<&'a str, (usize, usize)>,
    /// When it came to rest.
    pub settled: Option<DateTime<Utc>>,
    /// Why it did not come to rest.
    pub unrest: Option<&'a str>,
    /// GitHub's repositories.
    pub repositories: Vec<&'a Repository>,
    /// Slack's messages.
    pub messages: Vec<&'a Message>,
    /// Calls for a merge.
    pub merge_calls: usize,
    /// The planner's jobs.
    pub jobs: Vec<&'a Job>,
    /// Deliveries that the planner knows.
    pub known: BTreeSet<&'a str>,
    /// Queue, dead messages, waiting messages.
    pub queues: Vec<(&'a str, usize, usize)>,
    /// Place and secret.
    pub leaks: Vec<(&'a str, &'a str)>,
    /// Process, most memory, time of processors.
    pub used: Vec<(&'a str, u64, u64)>,
    /// Processes that had to be killed at the very end.
    pub stubborn: Vec<&'a str>,
    end: Option<DateTime<Utc>>,
}

impl<'a> History<'a> {
    /// Reads a ledger.
    pub fn of(entries: &'a [Entry]) -> Self {
        let mut history = Self::default();
        let mut began = BTreeMap::new();
        let mut down = BTreeMap::new();
        for entry in entries {
            history.add(entry, &mut began, &mut down);
        }
        // What never ended lasts until the end.
        let end = history.end.unwrap_or_default();
        history.down.extend(
            down.into_iter()
                .map(|(process, from)| (process, Window { from, to: end })),
        );
        history
    }

    fn add(
        &mut self,
        entry: &'a Entry,
        began: &mut BTreeMap<usize, (&'a Fault, DateTime<Utc>)>,
        down: &mut BTreeMap<&'a str, DateTime<Utc>>,
    ) {
        match entry {
            Entry::Begun { .. } => {}
            Entry::Incident { repo, alert, .. } => drop(self.incidents.insert(repo, *alert)),
            Entry::Sent { webhook, event, .. } => drop(self.sent.insert(webhook, event)),
            Entry::Answered(answered) => self.answers.push(answered),
            Entry::FaultBegan { at, number, fault } => drop(began.insert(*number, (fault, *at))),
            Entry::FaultEnded {
                at,
                number,
                recovered_ms,
                ..
            } => {
                if let Some((fault, from)) = began.remove(number) {
                    let window = Window { from, to: *at };
                    self.faults.push(Happened {
                        fault,
                        window,
                        recovered_ms: *recovered_ms,
                    });
                }
            }
            Entry::Down { at, process, held } => {
                down.insert(process, *at);
                if !held.is_empty() {
                    self.deaths.push(Death { at: *at, held });
                }
            }
            Entry::Up { at, process } => {
                if let Some(from) = down.remove(process.as_str()) {
                    self.down.push((process, Window { from, to: *at }));
                }
            }
            Entry::Fell { at, process, how } => {
                down.entry(process).or_insert(*at);
                self.fell.push((process, *at, how));
            }
            Entry::Strays { process, names, .. } => self.strays.push((process, names)),
            Entry::Seen { job, state, .. } => self.seen.entry(job).or_default().push(state),
            Entry::Looks { all, idle } => self.looks = (*all, *idle),
            Entry::Poisoned { kind, sure } => {
                let count = self.poison.entry(kind).or_default();
                count.0 += usize::from(*sure);
                count.1 += 1;
            }
            Entry::Settled { at, in_time, left } => {
                self.end = Some(*at);
                self.settled = in_time.then_some(*at);
                self.unrest = (!in_time).then_some(left);
            }
            Entry::Repository(repository) => self.repositories.push(repository),
            Entry::Message(message) => self.messages.push(message),
            Entry::MergeCalls { count } => self.merge_calls = *count,
            Entry::Job(job) => self.jobs.push(job),
            Entry::Known { deliveries } => self.known.extend(deliveries.iter().map(String::as_str)),
            Entry::Dead(dead) => self.queues.push((&dead.queue, dead.count, dead.waiting)),
            Entry::Leak { place, what } => self.leaks.push((place, what)),
            Entry::Used {
                process,
                peak_bytes,
                cpu_ms,
            } => self.used.push((process, *peak_bytes, *cpu_ms)),
            Entry::Stopped { process, in_time } => self.stubborn.extend((!in_time).then_some(process.as_str())),
        }
    }

    /// The jobs of a repository.
    pub fn jobs_of(&self, repo: &str) -> impl Iterator<Item = &'a Job> {
        self.jobs.iter().copied().filter(move |job| job.repo == repo)
    }

    /// Whether a process could not answer at some moment of a window.
    pub fn was_down(&self, service: &str, window: &Window) -> bool {
        self.down
            .iter()
            .any(|(process, down)| process.starts_with(service) && down.meets(window))
    }

    /// Whether nothing could be handed from one service to another at some moment of a window.
    pub fn was_cut_off(&self, window: &Window) -> bool {
        self.faults
            .iter()
            .any(|happened| happened.fault.cuts_off() && happened.window.meets(window))
    }
}
