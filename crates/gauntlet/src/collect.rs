//! What everybody has recorded, once all is at rest.

use crate::arena::Arena;
use crate::ledger::Entry;
use crate::record::{Dead, Message, Pull, Repository};
use crate::schedule::repository;
use crate::settings::SECRETS;
use anyhow::Result;
use std::sync::Arc;

/// Deliveries in one line of the ledger.
const TOGETHER: usize = 500;

/// Writes it all into the ledger.
pub async fn everything(arena: &Arc<Arena>, incidents: usize) -> Result<()> {
    let guard = Guard::of(arena);
    github(arena, incidents, &guard)?;
    slack(arena, &guard);
    for listed in arena.planner.jobs(&arena.fleet).await? {
        let (job, shown) = arena.planner.job(&arena.fleet, &listed.id).await?;
        guard.look(&format!("what the API says of job {}", job.id), &shown.to_string());
        arena.ledger.add(&Entry::Job(job));
    }
    for deliveries in known_deliveries(arena).await?.chunks(TOGETHER) {
        arena.ledger.add(&Entry::Known {
            deliveries: deliveries.to_vec(),
        });
    }
    for queue in arena.bus.depth().await {
        arena.ledger.add(&Entry::Dead(Dead {
            waiting: queue.ready + queue.delayed + queue.unacknowledged,
            queue: queue.queue,
            count: queue.dead,
        }));
    }
    for process in arena.fleet.processes() {
        if let Some(used) = process.usage() {
            let cpu_ms = crate::clock::millis(used.cpu);
            let process = process.name().to_owned();
            arena.ledger.add(&Entry::Used {
                process,
                peak_bytes: used.peak,
                cpu_ms,
            });
        }
        let log = std::fs::read(process.log()).unwrap_or_default();
        guard.look(
            &format!("the log of {}", process.name()),
            &String::from_utf8_lossy(&log),
        );
    }
    Ok(())
}

/// Every delivery that the planner knows: remembered, or decided to be one that came before.
pub async fn known_deliveries(arena: &Arc<Arena>) -> Result<Vec<String>> {
    let sql = "select id from deliveries union select delivery_id from decisions where delivery_id is not null";
    let rows = arena.fleet.postgres().query(sql).await?;
    Ok(rows.into_iter().flatten().collect())
}

fn github(arena: &Arc<Arena>, incidents: usize, guard: &Guard) -> Result<()> {
    let requests = arena.github.requests();
    for name in (1..=incidents).map(repository) {
        let branches = arena.github.branches(&name)?;
        let pulls = arena.github.pulls(&name);
        for pull in &pulls {
            let text = format!("{}\n{}", pull.title, pull.body.as_deref().unwrap_or_default());
            guard.look(&format!("pull request #{} of {name}", pull.number), &text);
        }
        let path = format!("/repos/{name}/pulls");
        arena.ledger.add(&Entry::Repository(Repository {
            branches: branches.into_keys().collect(),
            openings: requests
                .iter()
                .filter(|asked| asked.method == "POST" && asked.path == path)
                .count(),
            pulls: pulls
                .into_iter()
                .map(|pull| Pull {
                    open: pull.is_open(),
                    number: pull.number,
                    head: pull.head,
                    head_sha: pull.head_sha,
                    author: pull.author,
                })
                .collect(),
            name,
        }));
    }
    arena.ledger.add(&Entry::MergeCalls {
        count: arena.github.merge_calls(),
    });
    Ok(())
}

fn slack(arena: &Arc<Arena>, guard: &Guard) {
    for (index, message) in arena.slack.messages().into_iter().enumerate() {
        let after = message.at.saturating_duration_since(arena.began.0);
        let text = format!("{}\n{}", message.text, message.blocks);
        guard.look("a message in Slack", &text);
        arena.ledger.add(&Entry::Message(Message {
            at: arena.began.1 + after,
            // The stand-in counts its messages.
            ts: format!("1700000000.{:06}", index + 1),
            text,
        }));
    }
}

/// Knows every secret, and tells where it has found one.
struct Guard<'a> {
    arena: &'a Arena,
    secrets: Vec<(String, String)>,
}

impl<'a> Guard<'a> {
    fn of(arena: &'a Arena) -> Self {
        let mut secrets: Vec<(String, String)> = SECRETS
            .into_iter()
            .map(|(name, secret)| (name.to_owned(), secret.to_owned()))
            .collect();
        let servers = [
            ("the broker's password", arena.fleet.broker().url()),
            ("the database's password", arena.fleet.postgres().url()),
        ];
        for (name, url) in servers {
            secrets.extend(password(url).map(|password| (name.to_owned(), password.to_owned())));
        }
        Self { arena, secrets }
    }

    fn look(&self, place: &str, text: &str) {
        for (what, _) in self.secrets.iter().filter(|(_, secret)| text.contains(secret.as_str())) {
            self.arena.ledger.add(&Entry::Leak {
                place: place.to_owned(),
                what: what.clone(),
            });
        }
    }
}

/// The password in an address.
fn password(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (user, _) = rest.rsplit_once('@')?;
    user.split_once(':')
        .map(|(_, password)| password)
        .filter(|password| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_in_an_address() {
        assert_eq!(password("amqp://me:se@cret@host:1/%2f"), Some("se@cret"));
        assert_eq!(password("postgres://me@host/db"), None);
    }
}
