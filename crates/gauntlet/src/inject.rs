//! Carries faults out.

use crate::arena::{Arena, Claim};
use crate::clock::{millis, now};
use crate::fault::{Fault, Held, SlackTrouble};
use crate::ledger::Entry;
use crate::random::Random;
use crate::trouble::{self, POISON_PATIENCE};
use crate::watch::Running;
use anyhow::{Context as _, Result};
use domain::attempt::Stage;
use fleet::Service;
use github_sim::FaultKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long an attempt is waited for that is where it is to die.
const OPPORTUNITY: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(40);
/// A request that comes late does so long after its fixer is back.
const LATE: Duration = Duration::from_secs(3);
/// How long a process may take to end that was asked to.
const ASKED: Duration = Duration::from_secs(40);
/// How long the system may take until it is looked at no more.
const RECOVERY: Duration = Duration::from_secs(60);

/// What became of a fault.
#[derive(Debug, Default)]
pub struct Done {
    /// What there is to say.
    pub note: String,
    /// How long the system took to be ready again.
    pub recovered: Option<Duration>,
}

impl Done {
    fn noted(note: impl Into<String>) -> Self {
        Self {
            note: note.into(),
            recovered: None,
        }
    }
}

/// Carries one fault out, and writes down its beginning and its end.
pub async fn inject(arena: Arc<Arena>, number: usize, fault: Fault, seed: u64) {
    arena.ledger.add(&Entry::FaultBegan {
        at: now(),
        number,
        fault: fault.clone(),
    });
    let done = carry_out(&arena, &fault, &mut Random::of(seed, &format!("fault {number}"))).await;
    let done = done.unwrap_or_else(|error| {
        eprintln!("fault {number} ({fault}) could not be carried out: {error:#}");
        Done::noted(format!("not carried out: {error:#}"))
    });
    let recovered_ms = done.recovered.map(millis);
    arena.ledger.add(&Entry::FaultEnded {
        at: now(),
        number,
        note: done.note,
        recovered_ms,
    });
}

async fn carry_out(arena: &Arc<Arena>, fault: &Fault, random: &mut Random) -> Result<Done> {
    let wait = |ms: &u64| tokio::time::sleep(Duration::from_millis(*ms));
    let (broker, postgres) = (arena.fleet.broker(), arena.fleet.postgres());
    match fault {
        Fault::Killed { process, down_ms } => {
            let claim = arena.claim_like(process).context("somebody deals with all of them")?;
            let held = claim.held().await;
            let note = format!("{} with {} attempts", claim.process.name(), held.len());
            claim.kill(held)?;
            claim.back_after(Duration::from_millis(*down_ms)).await?;
            Ok(Done::noted(note))
        }
        Fault::KilledInStage { stage, down_ms } => {
            let Some((claim, running)) = at_work(arena, Some(*stage)).await else {
                return Ok(Done::noted("no attempt was seen there"));
            };
            claim.kill(vec![running.attempt])?;
            claim.back_after(Duration::from_millis(*down_ms)).await?;
            Ok(Done::noted("in the act"))
        }
        Fault::KilledInRequest {
            request,
            early,
            down_ms,
        } => in_request(arena, *request, *early, Duration::from_millis(*down_ms)).await,
        Fault::Terminated { process } => {
            let claim = arena.claim_like(process).context("somebody deals with all of them")?;
            // Whoever is asked may end what he has begun, so nothing is torn from him.
            arena.ledger.add(&Entry::Down {
                at: now(),
                process: claim.process.name().to_owned(),
                held: Vec::new(),
            });
            let ended = claim.process.terminate(ASKED).await;
            claim.back_after(Duration::ZERO).await?;
            Ok(Done::noted(format!("{}: {ended:?}", claim.process.name())))
        }
        Fault::Frozen { process, for_ms } => {
            // It is a fixer at work whose sleep matters.
            let is_fixer = process.starts_with(Service::Fixer.as_str());
            let at_work = if is_fixer { at_work(arena, None).await } else { None };
            let what = at_work
                .as_ref()
                .map_or("nothing", |(_, running)| running.attempt.repo.as_str())
                .to_owned();
            let claim = at_work.map(|(claim, _)| claim).or_else(|| arena.claim_like(process));
            let claim = claim.context("somebody deals with all of them")?;
            claim.process.freeze();
            wait(for_ms).await;
            claim.process.thaw();
            Ok(Done::noted(format!("{} with {what}", claim.process.name())))
        }
        Fault::BrokerStopped { for_ms } => {
            broker.halt().await?;
            wait(for_ms).await;
            broker.start_again().await?;
            Ok(recovered(arena, &Service::ALL, "/health/ready").await)
        }
        Fault::BrokerFrozen { for_ms } => {
            broker.freeze().await?;
            wait(for_ms).await;
            broker.thaw().await?;
            Ok(recovered(arena, &Service::ALL, "/health/ready").await)
        }
        Fault::BrokerKilled => {
            broker.kill().await?;
            broker.start_again().await?;
            Ok(recovered(arena, &Service::ALL, "/health/ready").await)
        }
        Fault::PostgresRestarted => {
            postgres.halt().await?;
            postgres.start_again().await?;
            Ok(recovered(arena, &[Service::Planner], "/api/v1/jobs?limit=1").await)
        }
        Fault::BackendsTerminated => {
            let ended = postgres.terminate_backends().await?;
            let recovered = recovered(arena, &[Service::Planner], "/api/v1/jobs?limit=1").await;
            Ok(Done {
                note: format!("{ended} connections"),
                ..recovered
            })
        }
        Fault::GitHub { trouble, times } => trouble::github(arena, *trouble, *times),
        Fault::GitHubDown { for_ms } => {
            arena.github.down();
            wait(for_ms).await;
            arena.github.up();
            Ok(Done::default())
        }
        Fault::Slack { trouble, times } => {
            for _ in 0..*times {
                arena.slack.fail_next(match trouble {
                    SlackTrouble::TooMany => stand_in::slack::Fault::RateLimited(1),
                    SlackTrouble::Broken => stand_in::slack::Fault::ServerError,
                });
            }
            Ok(Done::default())
        }
        Fault::SlackDown { for_ms } => {
            arena.slack.take_down().await;
            wait(for_ms).await;
            arena.slack.bring_up().await?;
            Ok(Done::default())
        }
        Fault::Poison { kind } => {
            let sure = trouble::poison(arena, *kind, POISON_PATIENCE).await;
            arena.ledger.add(&Entry::Poisoned {
                kind: kind.as_str().to_owned(),
                sure,
            });
            Ok(Done::default())
        }
        Fault::Replayed { deliveries, renumbered } => {
            let kept = arena.fan_out.kept();
            let chosen = (0..*deliveries).filter_map(|_| random.pick(&kept).cloned());
            let again = chosen.map(|webhook| if *renumbered { webhook.renumbered() } else { webhook });
            let sender = &arena.fan_out.sender;
            let sent = again.map(|webhook| async move { sender.deliver(&webhook).await });
            let answers = futures::future::join_all(sent).await;
            let accepted = answers.iter().filter(|accepted| **accepted).count();
            Ok(Done::noted(format!("{accepted} of {} accepted", answers.len())))
        }
    }
}

/// Waits for an attempt in a stage, or in any, and takes the fixer that has it.
async fn at_work(arena: &Arc<Arena>, stage: Option<Stage>) -> Option<(Claim<'_>, Running)> {
    let end = Instant::now() + OPPORTUNITY;
    while Instant::now() < end {
        for running in arena.running().await.unwrap_or_default() {
            if (stage.is_none() || running.attempt.stage == stage)
                && let Some(process) = running.process(&arena.fleet)
                && let Some(claim) = arena.claim(process)
            {
                return Some((claim, running));
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    None
}

/// Lets GitHub hold a request of a fixer, and kills the fixer meanwhile.
async fn in_request(arena: &Arc<Arena>, request: Held, early: bool, down: Duration) -> Result<Done> {
    let (method, path) = request.matches();
    let hold = arena
        .github
        .faults()
        .push(github_sim::Fault::once(method, path, FaultKind::Block))?;
    if tokio::time::timeout(OPPORTUNITY, hold.reached()).await.is_err() {
        // Whom it meets later is not held.
        hold.release();
        return Ok(Done::noted("nobody asked"));
    }
    let asked = arena
        .github
        .requests()
        .into_iter()
        .rev()
        .find(|asked| trouble::is_held(asked, request));
    let repo = asked.and_then(|asked| trouble::repository(&asked.path));
    let running = arena.running().await.unwrap_or_default();
    let running = running
        .into_iter()
        .find(|running| Some(&running.attempt.repo) == repo.as_ref());
    let claim = running
        .as_ref()
        .and_then(|running| running.process(&arena.fleet))
        .and_then(|process| arena.claim(process));
    let (Some(claim), Some(running)) = (claim, running) else {
        hold.release();
        return Ok(Done::noted("nobody knows who asked"));
    };
    let killed = claim.kill(vec![running.attempt]);
    if early {
        hold.release();
    }
    let back = match killed {
        Ok(()) => claim.back_after(down).await,
        Err(error) => Err(error),
    };
    if !early {
        tokio::time::sleep(LATE).await;
        hold.release();
    }
    back.map(|()| Done::noted("in the act"))
}

/// Waits until every process of these services, that nobody deals with, answers well.
async fn recovered(arena: &Arc<Arena>, services: &[Service], path: &str) -> Done {
    let began = Instant::now();
    let mut missing = String::new();
    while began.elapsed() < RECOVERY {
        missing.clear();
        for process in arena
            .fleet
            .processes()
            .iter()
            .filter(|process| services.contains(&process.service()))
        {
            let Some(claim) = arena.claim(process) else { continue };
            if claim.process.answers(path).await != Some(200) {
                missing = process.name().to_owned();
                break;
            }
        }
        if missing.is_empty() {
            return Done {
                note: String::new(),
                recovered: Some(began.elapsed()),
            };
        }
        tokio::time::sleep(LOOK).await;
    }
    Done {
        note: format!("{missing} is not well after {} s", RECOVERY.as_secs()),
        recovered: Some(RECOVERY),
    }
}
