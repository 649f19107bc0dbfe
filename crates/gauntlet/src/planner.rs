//! The planner's API, asked of whichever planner answers.

use crate::fan_out::client;
use crate::record::Job;
use anyhow::{Context as _, Result};
use fleet::{Fleet, Service};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// A planner that is frozen does not answer; the next one is asked then.
const PATIENCE: Duration = Duration::from_secs(2);
const PAGE: usize = 200;

/// Asks planners.
pub struct Planner {
    client: reqwest::Client,
}

/// A job in a list.
#[derive(Clone, Debug, Deserialize)]
pub struct Listed {
    /// Its number.
    pub id: String,
    /// Where it stands.
    pub state: String,
}

#[derive(Deserialize)]
struct List {
    jobs: Vec<Listed>,
    next: Option<String>,
}

impl Planner {
    /// Without a connection yet.
    pub fn new() -> Result<Self> {
        Ok(Self {
            client: client(PATIENCE)?,
        })
    }

    /// The answer of the first planner that gives one.
    pub async fn get(&self, fleet: &Fleet, path: &str) -> Result<Value> {
        let mut last = None;
        for planner in fleet.of(Service::Planner).filter(|planner| planner.is_alive()) {
            let asked = async {
                let answer = self.client.get(format!("{}{path}", planner.url())).send().await?;
                answer.error_for_status()?.json::<Value>().await
            };
            match asked.await {
                Ok(answer) => return Ok(answer),
                Err(error) => last = Some(error),
            }
        }
        Err(last.map_or_else(|| anyhow::anyhow!("no planner runs"), Into::into)).with_context(|| path.to_owned())
    }

    /// The newest jobs, at most so many; of one state or of all.
    pub async fn newest(&self, fleet: &Fleet, state: Option<&str>) -> Result<Vec<Listed>> {
        let state = state.map(|state| format!("&state={state}")).unwrap_or_default();
        let list = self.get(fleet, &format!("/api/v1/jobs?limit={PAGE}{state}")).await?;
        Ok(serde_json::from_value::<List>(list)?.jobs)
    }

    /// Every job.
    pub async fn jobs(&self, fleet: &Fleet) -> Result<Vec<Listed>> {
        let (mut all, mut before) = (Vec::new(), String::new());
        loop {
            let list: List =
                serde_json::from_value(self.get(fleet, &format!("/api/v1/jobs?limit={PAGE}{before}")).await?)?;
            all.extend(list.jobs);
            match list.next {
                Some(next) => before = format!("&before={next}"),
                None => return Ok(all),
            }
        }
    }

    /// A job with everything that is known of it, as it was answered.
    pub async fn job(&self, fleet: &Fleet, id: &str) -> Result<(Job, Value)> {
        let value = self.get(fleet, &format!("/api/v1/jobs/{id}")).await?;
        let job = Job::deserialize(&value).with_context(|| format!("job {id}"))?;
        Ok((job, value))
    }
}
