//! The checks find what is planted, and nothing where nothing is.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::{Class, Verdict, check};
use crate::fault::{Fault, SlackTrouble};
use crate::ledger::{Answered, Attempt, Entry};
use crate::record::{Dead, Entered, Job, KnownPull, Message, Notice, Pull, Repository, Tried};
use chrono::{DateTime, TimeDelta, Utc};
use domain::attempt::Stage;

const REPO: &str = "acme/r0001";
const BRANCH: &str = "fixpoint/ci-abc-g1";

fn at(ms: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(ms)
}

fn answered(status: u16, delivery: &str, sent: i64, took_ms: u64) -> Entry {
    Entry::Answered(Answered {
        at: at(sent),
        webhook: "w".into(),
        took_ms,
        status: Some(status),
        delivery: (status == 202).then(|| delivery.to_owned()),
        job: None,
        error: None,
    })
}

fn entered(stage: Stage, fence: i64, ms: i64) -> Entered {
    Entered {
        stage,
        fence,
        entered_at: at(ms),
    }
}

fn job() -> Job {
    Job {
        id: "j".into(),
        repo: REPO.into(),
        state: "succeeded".into(),
        outcome: Some("proved".into()),
        message: Some("It is proved.".into()),
        retry: 0,
        pull_request: Some(KnownPull {
            number: 1,
            head_sha: "h".into(),
            branch: BRANCH.into(),
            hands_off: false,
        }),
        attempts: vec![Tried {
            id: "a".into(),
            state: "finished".into(),
            fence: Some(2),
            outcome: Some("proved".into()),
            stages: vec![
                entered(Stage::Claim, 1, 2_000),
                entered(Stage::Claim, 2, 6_000),
                entered(Stage::Publish, 2, 8_000),
            ],
            ..Tried::default()
        }],
        notices: vec![Notice {
            id: "n".into(),
            channel: "slack".into(),
            delivered_at: Some(at(9_000)),
            external_id: Some("1".into()),
        }],
    }
}

fn repository() -> Repository {
    Repository {
        name: REPO.into(),
        branches: vec!["main".into(), BRANCH.into()],
        pulls: vec![Pull {
            number: 1,
            head: BRANCH.into(),
            head_sha: "h".into(),
            author: crate::settings::BOT.into(),
            open: true,
        }],
        openings: 1,
    }
}

fn message(ts: &str, ms: i64) -> Entry {
    Entry::Message(Message {
        at: at(ms),
        ts: ts.into(),
        text: "Auto-Fix PR Created".into(),
    })
}

/// One incident, whose fixer dies once; the broker is away a while, and a message is bad.
fn good() -> Vec<Entry> {
    let text = |text: &str| text.to_owned();
    let attempt = Attempt {
        job: text("j"),
        repo: text(REPO),
        attempt: text("a"),
        fence: 1,
        stage: Some(Stage::Prove),
    };
    vec![
        Entry::Begun {
            at: at(0),
            seed: 1,
            incidents: 1,
        },
        Entry::Incident {
            at: at(900),
            number: 1,
            repo: text(REPO),
            bug: text("order"),
            alert: false,
        },
        Entry::Sent {
            at: at(1_000),
            webhook: text("w"),
            event: text("workflow_run"),
            repo: None,
            copies: 2,
        },
        answered(202, "d1", 1_000, 20),
        answered(202, "d2", 1_010, 30),
        Entry::Seen {
            at: at(1_500),
            job: text("j"),
            state: text("running"),
        },
        Entry::Down {
            at: at(5_000),
            process: text("fixer-1"),
            held: vec![attempt],
        },
        Entry::Up {
            at: at(5_500),
            process: text("fixer-1"),
        },
        Entry::Seen {
            at: at(9_000),
            job: text("j"),
            state: text("succeeded"),
        },
        Entry::FaultBegan {
            at: at(20_000),
            number: 1,
            fault: Fault::BrokerFrozen { for_ms: 5_000 },
        },
        answered(202, "d2", 21_000, 300),
        Entry::FaultEnded {
            at: at(26_000),
            number: 1,
            note: String::new(),
            recovered_ms: Some(700),
        },
        Entry::Poisoned {
            kind: text("notice.raised"),
            sure: true,
        },
        Entry::Looks { all: 100, idle: 3 },
        Entry::Settled {
            at: at(30_000),
            in_time: true,
            left: String::new(),
        },
        Entry::Repository(repository()),
        message("1", 8_900),
        Entry::MergeCalls { count: 0 },
        Entry::Job(job()),
        Entry::Known {
            deliveries: vec![text("d1"), text("d2")],
        },
        Entry::Dead(Dead {
            queue: text("notifier.slack"),
            count: 1,
            waiting: 0,
        }),
        Entry::Dead(Dead {
            queue: text("fixer.fix"),
            count: 0,
            waiting: 0,
        }),
        Entry::Stopped {
            process: text("fixer-1"),
            in_time: true,
        },
    ]
}

/// The verdict on the good run with something changed.
fn with(change: impl FnOnce(&mut Vec<Entry>)) -> Verdict {
    let mut entries = good();
    change(&mut entries);
    check(&entries)
}

fn change_job(entries: &mut [Entry], change: impl Fn(&mut Job)) {
    for entry in entries {
        if let Entry::Job(job) = entry {
            change(job);
        }
    }
}

fn change_repository(entries: &mut [Entry], change: impl Fn(&mut Repository)) {
    for entry in entries {
        if let Entry::Repository(repository) = entry {
            change(repository);
        }
    }
}

/// Exactly one finding, of this class, with these words.
fn finds(verdict: &Verdict, class: Class, words: &str) {
    assert!(!verdict.is_good());
    assert_eq!(verdict.findings.len(), 1, "{words}: {:#?}", verdict.findings);
    assert_eq!(verdict.findings[0].0, class, "{:?}", verdict.findings);
    assert!(verdict.findings[0].1.contains(words), "{:?}", verdict.findings);
}

#[test]
fn nothing_is_found_where_nothing_is() {
    let verdict = check(&good());
    assert!(verdict.is_good(), "{verdict:#?}");
    let resumed = verdict
        .measures
        .iter()
        .find(|measure| measure.name.contains("runs again"))
        .unwrap();
    assert!(resumed.value.contains("p99 1.00 s"), "{resumed:?}");
}

#[test]
fn what_is_lost_is_found() {
    let verdict = with(|entries| entries.retain(|entry| !matches!(entry, Entry::Known { .. })));
    assert_eq!(
        verdict.of(Class::Lost).count(),
        3,
        "every answer counts: {:?}",
        verdict.findings
    );
    finds(
        &with(|entries| entries.push(answered(202, "d3", 40_000, 1))),
        Class::Lost,
        "delivery d3 (workflow_run) was accepted",
    );
    let refused = with(|entries| {
        entries.push(Entry::Sent {
            at: at(0),
            webhook: "v".into(),
            event: "push".into(),
            repo: None,
            copies: 1,
        });
    });
    finds(&refused, Class::Lost, "webhook v (push) was never accepted");
    let second = Entry::Incident {
        at: at(0),
        number: 2,
        repo: "acme/r0002".into(),
        bug: "order".into(),
        alert: true,
    };
    finds(
        &with(|entries| entries.push(second)),
        Class::Lost,
        "acme/r0002 has become no job",
    );
    let told = |change: fn(&mut Job)| with(|entries| change_job(entries, change));
    finds(
        &told(|job| job.state = "queued".into()),
        Class::Lost,
        "is queued for ever",
    );
    finds(
        &told(|job| job.notices[0].delivered_at = None),
        Class::Lost,
        "notice n about acme/r0001 was never said",
    );
    let unheard = with(|entries| entries.retain(|entry| !matches!(entry, Entry::Message(_))));
    finds(&unheard, Class::Lost, "message 1, which nobody has heard");
}

#[test]
fn what_came_twice_is_found() {
    let twice = |change: fn(&mut Repository)| with(|entries| change_repository(entries, change));
    let branches = twice(|repository| repository.branches.push("fixpoint/ci-abc-g2".into()));
    finds(&branches, Class::Duplicated, "2 branches for one incident");
    let pulls = twice(|repository| {
        let second = Pull {
            number: 2,
            ..repository.pulls[0].clone()
        };
        repository.pulls.push(second);
    });
    assert_eq!(pulls.of(Class::Duplicated).count(), 1);
    assert_eq!(
        pulls.of(Class::Unexpected).count(),
        1,
        "and no job knows the second one"
    );
    finds(
        &with(|entries| entries.push(message("2", 9_500))),
        Class::Duplicated,
        "message 2 was said before",
    );
    let jobs = with(|entries| {
        let second = Job {
            id: "k".into(),
            notices: Vec::new(),
            state: "cancelled".into(),
            ..job()
        };
        entries.push(Entry::Job(second));
    });
    finds(&jobs, Class::Duplicated, "has 2 jobs");
}

#[test]
fn a_message_that_was_cut_off_may_come_twice() {
    let cut = with(|entries| {
        entries.push(Entry::FaultBegan {
            at: at(9_000),
            number: 2,
            fault: Fault::SlackDown { for_ms: 1 },
        });
        entries.push(Entry::FaultEnded {
            at: at(9_200),
            number: 2,
            note: String::new(),
            recovered_ms: None,
        });
        entries.push(message("2", 9_500));
    });
    assert!(cut.is_good(), "{cut:#?}");
    let limited = with(|entries| {
        let fault = Fault::Slack {
            trouble: SlackTrouble::TooMany,
            times: 1,
        };
        entries.push(Entry::FaultBegan {
            at: at(9_000),
            number: 2,
            fault,
        });
        entries.push(Entry::FaultEnded {
            at: at(9_200),
            number: 2,
            note: String::new(),
            recovered_ms: None,
        });
        entries.push(message("2", 9_500));
    });
    finds(&limited, Class::Duplicated, "was said before");
}

#[test]
fn what_nothing_explains_is_found() {
    let strange = |entry: Entry| with(|entries| entries.push(entry));
    let other = Message {
        at: at(1),
        ts: "9".into(),
        text: "Buy now".into(),
    };
    finds(
        &strange(Entry::Message(other)),
        Class::Unexpected,
        "message 9 is nobody's: Buy now",
    );
    finds(&strange(Entry::MergeCalls { count: 1 }), Class::Unexpected, "merge");
    let leak = Entry::Leak {
        place: "a log".into(),
        what: "the token".into(),
    };
    finds(&strange(leak), Class::Unexpected, "a log has the token in it");
    let dead = Entry::Dead(Dead {
        queue: "planner.finished".into(),
        count: 1,
        waiting: 0,
    });
    finds(
        &strange(dead),
        Class::Unexpected,
        "1 messages of planner.finished are dead, and 0 were bad",
    );
    let fell = |ms| Entry::Fell {
        at: at(ms),
        process: "planner-1".into(),
        how: "exit status: 1".into(),
    };
    finds(&strange(fell(3_000)), Class::Unexpected, "planner-1 ended by itself");
    finds(&strange(fell(22_000)), Class::Unexpected, "planner-1 ended by itself");
    let begun = with(|entries| {
        entries.push(Entry::Down {
            at: at(21_000),
            process: "planner-1".into(),
            held: Vec::new(),
        });
        entries.push(fell(22_000));
        entries.push(Entry::Up {
            at: at(27_000),
            process: "planner-1".into(),
        });
    });
    assert!(begun.is_good(), "it could not begin without a broker: {begun:#?}");
    let unrest = Entry::Settled {
        at: at(40_000),
        in_time: false,
        left: "a job is open".into(),
    };
    finds(&strange(unrest), Class::Unexpected, "a job is open");
    finds(
        &strange(Entry::Stopped {
            process: "fixer-2".into(),
            in_time: false,
        }),
        Class::Unexpected,
        "fixer-2 did not end",
    );
    let strays = Entry::Strays {
        at: at(1),
        process: "fixer-1".into(),
        names: vec!["bwrap".into()],
    };
    finds(&strange(strays), Class::Unexpected, "bwrap outlived fixer-1");
}

#[test]
fn what_should_never_be_is_found() {
    let left = with(|entries| {
        entries.push(Entry::Seen {
            at: at(1),
            job: "j".into(),
            state: "running".into(),
        })
    });
    finds(&left, Class::Illegal, "was succeeded and became running");
    let told = |change: fn(&mut Job)| with(|entries| change_job(entries, change));
    finds(
        &told(|job| {
            job.attempts.push(Tried {
                state: "running".into(),
                ..Tried::default()
            })
        }),
        Class::Illegal,
        "1 of its attempts live",
    );
    let fence = told(|job| job.attempts[0].stages.push(entered(Stage::Claim, 2, 7_000)));
    finds(&fence, Class::Illegal, "the same fence");
    let moved = with(|entries| change_repository(entries, |repository| repository.pulls[0].head_sha = "other".into()));
    finds(&moved, Class::Illegal, "is at other, and known at h");
}

#[test]
fn what_takes_too_long_is_found() {
    let broken = |verdict: &Verdict| -> Vec<String> {
        assert!(verdict.findings.is_empty() && !verdict.is_good(), "{verdict:#?}");
        verdict
            .measures
            .iter()
            .filter(|measure| !measure.holds)
            .map(|measure| measure.name.clone())
            .collect()
    };
    let slow = with(|entries| entries.push(answered(202, "d1", 22_000, 1_500)));
    assert_eq!(
        broken(&slow).len(),
        3,
        "while the broker was frozen, was away in any way, and always"
    );
    let refused = with(|entries| entries.push(answered(503, "", 24_000, 5)));
    assert_eq!(broken(&refused).len(), 3);
    let late = with(|entries| change_job(entries, |job| job.attempts[0].stages[1].entered_at = at(11_000)));
    assert_eq!(broken(&late), ["from a fixer's death until its attempt runs again"]);
    let away = with(|entries| {
        change_job(entries, |job| job.attempts[0].stages[1].entered_at = at(21_000));
    });
    assert!(away.is_good(), "the broker was away meanwhile: {away:#?}");
    let postgres = with(|entries| {
        entries.push(Entry::FaultBegan {
            at: at(28_000),
            number: 3,
            fault: Fault::PostgresRestarted,
        });
        entries.push(Entry::FaultEnded {
            at: at(29_000),
            number: 3,
            note: String::new(),
            recovered_ms: Some(5_100),
        });
    });
    assert_eq!(broken(&postgres), ["from Postgres' return until planners work"]);
}

#[test]
fn webhooks_that_stay_at_the_doors_are_found() {
    let only_webhooks = |settled: i64| {
        check(&[
            Entry::Sent {
                at: at(0),
                webhook: "w".into(),
                event: "workflow_run".into(),
                repo: None,
                copies: 1,
            },
            answered(202, "d1", 1_000, 20),
            Entry::Settled {
                at: at(settled),
                in_time: true,
                left: String::new(),
            },
            Entry::Known {
                deliveries: vec!["d1".into()],
            },
        ])
    };
    assert!(only_webhooks(31_000).is_good());
    let late = only_webhooks(31_001);
    assert!(late.findings.is_empty() && !late.is_good(), "{late:#?}");
}
