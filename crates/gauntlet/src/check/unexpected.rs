//! Unexpected: what nothing explains.

use super::duplicated::{Messages, begin};
use super::history::{History, Window};
use crate::settings::BOT;
use crate::trouble::queue_of;
use chrono::TimeDelta;
use std::collections::BTreeMap;

/// A process that cannot reach a server may end a while after that server is back, too.
const AFTERMATH: TimeDelta = TimeDelta::seconds(10);

pub fn all(history: &History<'_>, messages: &Messages<'_>) -> Vec<String> {
    let mut strange: Vec<String> = Vec::new();
    for repository in &history.repositories {
        for pull in &repository.pulls {
            let name = &repository.name;
            let known = history
                .jobs_of(name)
                .filter_map(|job| job.pull_request.as_ref())
                .any(|own| own.number == pull.number);
            if pull.author != BOT || !pull.head.starts_with("fixpoint/") || !known {
                strange.push(format!(
                    "pull request #{} of {name} from {} is nobody's",
                    pull.number, pull.head
                ));
            }
            if !pull.open {
                strange.push(format!("pull request #{} of {name} was closed by nobody", pull.number));
            }
        }
    }
    strange.extend(
        messages
            .strange
            .iter()
            .map(|message| format!("message {} is nobody's: {}", message.ts, begin(message))),
    );
    if history.merge_calls > 0 {
        strange.push(format!("somebody asked for a merge {} times", history.merge_calls));
    }
    strange.extend(queues(history));
    strange.extend(
        history
            .leaks
            .iter()
            .map(|(place, what)| format!("{place} has {what} in it")),
    );
    strange.extend(fell(history));
    let strays = history.strays.iter();
    strange.extend(strays.map(|(process, names)| format!("{} outlived {process}, which was killed", names.join(", "))));
    let stubborn = history.stubborn.iter();
    strange.extend(stubborn.map(|process| format!("{process} did not end when it was asked to")));
    strange.extend(history.unrest.map(|left| format!("it did not come to rest: {left}")));
    strange
}

/// Dead messages that were not bad from the beginning, and bad ones that did not die.
fn queues(history: &History<'_>) -> Vec<String> {
    let mut bad: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (kind, (sure, all)) in &history.poison {
        let count = bad.entry(queue_of(kind).unwrap_or_default()).or_default();
        (count.0, count.1) = (count.0 + sure, count.1 + all);
    }
    let mut strange = Vec::new();
    for (queue, dead, waiting) in &history.queues {
        let (sure, all) = bad.remove(*queue).unwrap_or_default();
        if *dead > all {
            strange.push(format!("{dead} messages of {queue} are dead, and {all} were bad"));
        } else if *dead < sure {
            strange.push(format!("{dead} messages of {queue} are dead, though {sure} were bad"));
        }
        if *waiting > 0 {
            strange.push(format!("{waiting} messages still wait in {queue}"));
        }
    }
    strange
}

/// Processes that ended by themselves; while a server is away, one may not be able to begin.
fn fell(history: &History<'_>) -> Vec<String> {
    let explained = |at| {
        let window = |happened: &super::history::Happened<'_>| happened.window.and(AFTERMATH);
        let mut outages = history.faults.iter().filter(|happened| happened.fault.cuts_off());
        outages.any(|happened| window(happened).meets(&Window { from: at, to: at }))
    };
    // One that had been ended by us had only just begun again.
    let beginning = |process: &str, at| {
        let just = Window { from: at, to: at };
        history
            .down
            .iter()
            .any(|(down, window)| *down == process && window.from < at && window.meets(&just))
    };
    let strange = history
        .fell
        .iter()
        .filter(|(process, at, _)| !(explained(*at) && beginning(process, *at)));
    strange
        .map(|(process, at, how)| format!("{process} ended by itself at {at}: {how}"))
        .collect()
}
