//! Duplicated: what came twice.

use super::history::{History, Window};
use crate::fault::Fault;
use crate::record::Message;
use std::collections::{BTreeMap, BTreeSet};

/// Slack's messages that no notice owns.
#[derive(Default)]
pub struct Messages<'a> {
    /// Said twice, and nothing explains it.
    pub twice: Vec<&'a Message>,
    /// Said twice, since Slack or the notifier ended in the act and nobody could know whether it had been said: Slack has no
    /// way to ask.
    pub doubtful: Vec<&'a Message>,
    /// Nobody knows why they were said.
    pub strange: Vec<&'a Message>,
}

/// Sorts Slack's messages.
pub fn messages<'a>(history: &History<'a>) -> Messages<'a> {
    let notices = history.jobs.iter().flat_map(|job| &job.notices);
    let owned: BTreeSet<&str> = notices.filter_map(|notice| notice.external_id.as_deref()).collect();
    let mut sorted = Messages::default();
    for message in history
        .messages
        .iter()
        .copied()
        .filter(|message| !owned.contains(message.ts.as_str()))
    {
        let twin = |other: &&&Message| other.text == message.text && other.ts != message.ts;
        match history.messages.iter().find(twin) {
            None => sorted.strange.push(message),
            Some(twin) => {
                let (from, to) = (message.at.min(twin.at), message.at.max(twin.at));
                match interrupted(history, &Window { from, to }) {
                    true => sorted.doubtful.push(message),
                    false => sorted.twice.push(message),
                }
            }
        }
    }
    sorted
}

/// Whether saying something was interrupted at some moment of a window.
fn interrupted(history: &History<'_>, window: &Window) -> bool {
    let slack = |happened: &super::history::Happened<'_>| {
        matches!(happened.fault, Fault::SlackDown { .. }) && happened.window.meets(window)
    };
    history.was_down("notifier", window) || history.faults.iter().any(slack)
}

pub fn all(history: &History<'_>, messages: &Messages<'_>) -> Vec<String> {
    let mut twice = Vec::new();
    for repository in &history.repositories {
        let name = &repository.name;
        if repository.pulls.len() > 1 {
            let numbers: Vec<String> = repository
                .pulls
                .iter()
                .map(|pull| format!("#{}", pull.number))
                .collect();
            twice.push(format!(
                "{name} has {} pull requests for one incident: {}",
                numbers.len(),
                numbers.join(", ")
            ));
        }
        let branches: Vec<&str> = repository
            .branches
            .iter()
            .map(String::as_str)
            .filter(|branch| branch.starts_with("fixpoint/"))
            .collect();
        if branches.len() > 1 {
            twice.push(format!(
                "{name} has {} branches for one incident: {}",
                branches.len(),
                branches.join(", ")
            ));
        }
    }
    for repo in history.incidents.keys() {
        let jobs = history.jobs_of(repo).count();
        if jobs > 1 {
            twice.push(format!("the incident of {repo} has {jobs} jobs"));
        }
    }
    let mut owners: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for notice in history.jobs.iter().flat_map(|job| &job.notices) {
        owners
            .entry(notice.external_id.as_deref().unwrap_or_default())
            .or_default()
            .push(&notice.id);
    }
    for (ts, notices) in owners
        .iter()
        .filter(|(ts, notices)| !ts.is_empty() && notices.len() > 1)
    {
        twice.push(format!("message {ts} stands for the notices {}", notices.join(", ")));
    }
    twice.extend(
        messages
            .twice
            .iter()
            .map(|message| format!("message {} was said before: {}", message.ts, begin(message))),
    );
    twice
}

/// The beginning of a message, in one line.
pub fn begin(message: &Message) -> String {
    message
        .text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(120)
        .collect()
}
