//! `gauntlet deliveries`: nothing but webhooks, many of them, while the broker is stopped, frozen and killed.

use crate::arena::SECRETS;
use crate::check::Measure;
use crate::clock::millis;
use crate::fan_out::client;
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use fleet::{Fleet, Options, Service};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// GitHub gives up after ten seconds, Sentry after one.
const GIVES_UP: Duration = Duration::from_secs(10);
const IN_TIME_MS: u64 = 1_000;
const IN_TIME: f64 = 0.999;
/// Time before, between and after the faults.
const CALM: Duration = Duration::from_secs(5);
/// Seconds until what was spooled is with the planner.
const DRAINED: Duration = Duration::from_secs(30);
const LONGEST_DRAIN: Duration = Duration::from_secs(180);
/// How large a webhook of GitHub's is, about.
const BODY: usize = 8 * 1024;

/// What a flood is given.
#[derive(Clone, Debug)]
pub struct Flood {
    /// Deliveries at least; it goes on until the faults are over.
    pub count: usize,
    /// Deliveries a second.
    pub rate: u32,
    /// How long the broker is stopped.
    pub stopped: Duration,
    /// How long it is frozen.
    pub frozen: Duration,
    /// The folder with the services' programs.
    pub binaries: PathBuf,
    /// The folder of everything that is written.
    pub home: PathBuf,
    /// A Postgres that is there already.
    pub postgres: Option<String>,
}

/// One answer.
struct Answer {
    /// What was going on when it was sent.
    phase: &'static str,
    took_ms: u64,
    status: Option<u16>,
    delivery: Option<String>,
}

impl Answer {
    fn accepted(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

const CALM_PHASE: &str = "calm";
const PHASES: [&str; 4] = [CALM_PHASE, "broker stopped", "broker frozen", "broker killed"];

/// Sends them, and says how it went.
pub async fn run(flood: &Flood) -> Result<Vec<Measure>> {
    let options = Options {
        fixers: 0,
        notifiers: 0,
        postgres: flood.postgres.clone(),
        ..Options::new(&flood.binaries, &flood.home)
    };
    let options = options
        .set("GITHUB_WEBHOOK_SECRET", SECRETS[1].1)
        .set("GITHUB_TOKEN", SECRETS[0].1);
    let fleet = Fleet::start(options).await?;
    println!(
        "{} a second, at least {}; log and data are in {}",
        flood.rate,
        flood.count,
        flood.home.display()
    );
    let doors = fleet.of(Service::Ingest).next().context("the fleet has no doors")?;
    let answers = pour(&fleet, &doors.url(), flood).await?;
    let drained = drained(&fleet, &answers).await?;
    let used = doors.usage().map(|used| {
        let seconds = used.cpu.as_secs_f64();
        format!("{} MiB at most, {seconds:.1} s of CPU", used.peak >> 20)
    });
    let mut measures = measures(&answers, &drained);
    measures.extend(used.map(|used| Measure::told("ingest", used)));
    fleet.stop(Duration::from_secs(30)).await;
    Ok(measures)
}

/// Sends them at their rate until there are enough, and the faults are over.
async fn pour(fleet: &Fleet, doors: &str, flood: &Flood) -> Result<Vec<Answer>> {
    let phase = Mutex::new(CALM_PHASE);
    let faults = faults(fleet, flood, &phase);
    tokio::pin!(faults);
    let (client, url) = (client(GIVES_UP)?, format!("{doors}/webhooks/github"));
    let mut tick = tokio::time::interval(Duration::from_secs(1) / flood.rate.max(1));
    let (mut sending, mut sent, mut over) = (JoinSet::new(), 0_usize, false);
    while !(over && sent >= flood.count) {
        tokio::select! {
            done = &mut faults, if !over => {
                done?;
                over = true;
            }
            _ = tick.tick() => {
                sent += 1;
                let phase = *phase.lock().unwrap_or_else(PoisonError::into_inner);
                sending.spawn(send(client.clone(), url.clone(), sent, phase));
            }
        }
    }
    Ok(sending.join_all().await)
}

async fn faults(fleet: &Fleet, flood: &Flood, phase: &Mutex<&'static str>) -> Result<()> {
    let say = |now: &'static str| {
        println!("{now}");
        *phase.lock().unwrap_or_else(PoisonError::into_inner) = now;
    };
    let broker = fleet.broker();
    tokio::time::sleep(CALM).await;
    say(PHASES[1]);
    broker.halt().await?;
    tokio::time::sleep(flood.stopped).await;
    broker.start_again().await?;
    say(CALM_PHASE);
    tokio::time::sleep(CALM).await;
    say(PHASES[2]);
    broker.freeze().await?;
    tokio::time::sleep(flood.frozen).await;
    broker.thaw().await?;
    say(CALM_PHASE);
    tokio::time::sleep(CALM).await;
    say(PHASES[3]);
    broker.kill().await?;
    broker.start_again().await?;
    say(CALM_PHASE);
    tokio::time::sleep(CALM).await;
    Ok(())
}

async fn send(client: reqwest::Client, url: String, number: usize, phase: &'static str) -> Answer {
    let body = Bytes::from(payload(number).to_string());
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header("x-github-event", "workflow_run")
        .header("x-github-delivery", format!("flood-{number}"))
        .header("x-hub-signature-256", stand_in::github_signature(SECRETS[1].1, &body))
        .body(body);
    let began = Instant::now();
    let answer = async {
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json::<Value>().await.unwrap_or_default()))
    };
    let answer = answer.await;
    Answer {
        phase,
        took_ms: millis(began.elapsed()),
        status: answer.as_ref().map(|(status, _)| *status),
        delivery: answer.and_then(|(_, body)| body["deliveryId"].as_str().map(str::to_owned)),
    }
}

/// A green run: it is dealt with, and there is nothing to do about it.
fn payload(number: usize) -> Value {
    let repository = json!({ "id": 1, "full_name": "acme/shop", "default_branch": "main" });
    json!({
        "action": "completed", "repository": repository,
        "workflow_run": {
            "id": number, "run_attempt": 1, "name": "Tests", "path": ".github/workflows/ci.yml", "event": "push",
            "conclusion": "success", "head_branch": format!("branch-{}", number % 50), "head_sha": format!("{number:040x}"),
            "html_url": format!("https://github.example/acme/shop/actions/runs/{number}"), "head_repository": repository,
            "actor": { "login": "ada", "type": "User" }, "display_title": "Change things", "padding": "x".repeat(BODY),
        },
    })
}

/// How long it took until the planner had everything, or was asked no more; what it knows, and how much of it came twice.
struct Drained {
    after: Duration,
    known: BTreeSet<String>,
    twice: usize,
}

async fn drained(fleet: &Fleet, answers: &[Answer]) -> Result<Drained> {
    let accepted = answers.iter().filter(|answer| answer.accepted()).count();
    ensure!(
        accepted > 0,
        "nothing was accepted; the log of ingest is {}",
        fleet.processes()[0].log().display()
    );
    let began = Instant::now();
    loop {
        let rows = fleet.postgres().query("select id from deliveries").await?;
        let known: BTreeSet<String> = rows.into_iter().flatten().collect();
        let missing = answers
            .iter()
            .filter_map(|answer| answer.delivery.as_ref())
            .any(|delivery| !known.contains(delivery));
        if !missing || began.elapsed() > LONGEST_DRAIN {
            let after = began.elapsed();
            let twice = fleet
                .postgres()
                .query("select count(*) from decisions where code = 'duplicate_delivery'")
                .await?;
            let twice = twice.into_iter().flatten().next().and_then(|count| count.parse().ok());
            return Ok(Drained {
                after,
                known,
                twice: twice.context("a count")?,
            });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts are small")]
fn measures(answers: &[Answer], drained: &Drained) -> Vec<Measure> {
    let mut all = vec![Measure::told("deliveries", answers.len().to_string())];
    for phase in PHASES {
        let mut times: Vec<u64> = answers
            .iter()
            .filter(|answer| answer.phase == phase)
            .map(|answer| answer.took_ms)
            .collect();
        let good = answers
            .iter()
            .filter(|one| one.phase == phase && one.accepted() && one.took_ms <= IN_TIME_MS)
            .count();
        times.sort_unstable();
        let at = |percent: usize| {
            times
                .get((times.len() * percent / 100).min(times.len().saturating_sub(1)))
                .copied()
                .unwrap_or(0)
        };
        let share = if times.is_empty() {
            1.0
        } else {
            good as f64 / times.len() as f64
        };
        let value = format!(
            "{:.3} % of {}; p50 {} ms, p99 {} ms, max {} ms",
            share * 100.0,
            times.len(),
            at(50),
            at(99),
            at(100)
        );
        let name = format!("2xx within 1 s, {phase}");
        all.push(Measure::bound(
            &name,
            value,
            format!(">= {:.1} %", IN_TIME * 100.0),
            share >= IN_TIME,
        ));
    }
    let accepted = answers.iter().filter(|answer| answer.accepted());
    let lost = accepted
        .filter(|one| {
            !one.delivery
                .as_ref()
                .is_some_and(|delivery| drained.known.contains(delivery))
        })
        .count();
    all.push(Measure::bound("accepted and lost", lost.to_string(), "0", lost == 0));
    let in_time = drained.after <= DRAINED;
    let value = format!("{:.1} s after the last one", drained.after.as_secs_f64());
    all.push(Measure::bound(
        "everything is with the planner",
        value,
        format!("<= {} s", DRAINED.as_secs()),
        in_time,
    ));
    all.push(Measure::told(
        "came to the planner twice, and were known again",
        drained.twice.to_string(),
    ));
    let stored = answers.iter().filter(|answer| !answer.accepted()).count();
    all.push(Measure::told("not accepted", stored.to_string()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_or_lost_delivery_breaks_a_bound() {
        let answer = |took_ms, delivery: &str| Answer {
            phase: PHASES[1],
            took_ms,
            status: Some(202),
            delivery: Some(delivery.into()),
        };
        let drained = |known: &[&str]| Drained {
            after: Duration::from_secs(1),
            known: known.iter().map(|one| (*one).to_owned()).collect(),
            twice: 0,
        };
        let broken = |answers: &[Answer], known: &[&str]| {
            let all = measures(answers, &drained(known));
            all.into_iter()
                .filter(|measure| !measure.holds)
                .map(|measure| measure.name)
                .collect::<Vec<_>>()
        };
        assert!(broken(&[answer(5, "a"), answer(900, "b")], &["a", "b"]).is_empty());
        assert_eq!(
            broken(&[answer(5, "a"), answer(1_001, "b")], &["a", "b"]),
            ["2xx within 1 s, broker stopped"]
        );
        assert_eq!(broken(&[answer(5, "a"), answer(6, "b")], &["a"]), ["accepted and lost"]);
    }

    #[test]
    fn no_two_deliveries_are_the_same() {
        assert_ne!(payload(1), payload(2));
        assert_eq!(payload(7)["workflow_run"]["head_sha"].as_str().map(str::len), Some(40));
    }
}
