//! Illegal: states that should never be.

use super::history::History;
use crate::record::Job;
use domain::attempt::Stage;
use domain::job::JobState;

pub fn all(history: &History<'_>) -> Vec<String> {
    let mut wrong: Vec<String> = history
        .seen
        .iter()
        .filter_map(|(job, states)| moves(job, states))
        .collect();
    for job in &history.jobs {
        wrong.extend(
            of(history, job)
                .into_iter()
                .map(|what| format!("the job of {}: {what}", job.repo)),
        );
    }
    wrong
}

/// States are seen from time to time, so some are missed; but a final one is never left, and all are known.
fn moves(job: &str, states: &[&str]) -> Option<String> {
    let state = |word: &str| JobState::ALL.into_iter().find(|state| state.as_str() == word);
    if let Some(unknown) = states.iter().find(|word| state(word).is_none()) {
        return Some(format!("job {job} is {unknown}, which is no state"));
    }
    let pairs = states.windows(2).filter_map(|pair| Some((pair.first()?, pair.last()?)));
    let mut left = pairs.filter(|(from, _)| state(from).is_some_and(JobState::is_final));
    left.next()
        .map(|(from, to)| format!("job {job} was {from} and became {to}"))
}

fn of(history: &History<'_>, job: &Job) -> Vec<String> {
    let mut wrong = Vec::new();
    if job.state == "succeeded" && job.pull_request.is_none() {
        wrong.push("it has succeeded without a pull request".to_owned());
    }
    if let Some(known) = &job.pull_request {
        if known.hands_off {
            wrong.push("its pull request is taken for a person's, and no person has touched it".to_owned());
        }
        let repository = history
            .repositories
            .iter()
            .find(|repository| repository.name == job.repo);
        let mut pulls = repository.into_iter().flat_map(|repository| &repository.pulls);
        if let Some(there) = pulls.find(|pull| pull.number == known.number)
            && (&there.head_sha, &there.head) != (&known.head_sha, &known.branch)
        {
            wrong.push(format!(
                "its pull request is at {}, and known at {}",
                there.head_sha, known.head_sha
            ));
        }
    }
    let live = job
        .attempts
        .iter()
        .filter(|attempt| matches!(attempt.state.as_str(), "requested" | "running"))
        .count();
    if live > usize::from(!job.is_over()) {
        wrong.push(format!("{live} of its attempts live, and it is {}", job.state));
    }
    let finished = job
        .attempts
        .iter()
        .filter(|attempt| attempt.outcome.as_deref() == Some("proved"))
        .count();
    if finished > 1 {
        wrong.push(format!("{finished} of its attempts have proved a fix"));
    }
    // Whoever claims it gets a number that nobody had before.
    let entered = job.attempts.iter().flat_map(|attempt| &attempt.stages);
    let mut fences: Vec<i64> = entered
        .filter(|one| one.stage == Stage::Claim)
        .map(|one| one.fence)
        .collect();
    fences.sort_unstable();
    if fences.windows(2).any(|pair| pair[0] == pair[1]) {
        wrong.push(format!("two claims got the same fence: {fences:?}"));
    }
    wrong
}
