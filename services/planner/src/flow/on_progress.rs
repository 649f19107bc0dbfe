//! A fixer says how far it is. An old fence is not listened to.

use super::Flow;
use crate::store::types::Id;
use crate::store::{attempts, jobs, publish_leases, stages};
use anyhow::Result;
use domain::attempt::Stage;
use domain::message::AttemptProgressed;

impl Flow {
    /// Notes a heartbeat and the stage, and a limit of GitHub's that was met. Whoever is publishing keeps his lease.
    ///
    /// # Errors
    /// When the database fails; nobody repeats a heartbeat, the next one comes by itself.
    pub async fn on_progress(&self, said: AttemptProgressed) -> Result<()> {
        let (lease, counted) = (self.rules.publish_lease, self.rules.counted);
        let heard = self
            .store
            .tx(move |db, now| {
                let (id, fence) = (Id::from(said.attempt), said.fence.0);
                if !attempts::progress(db, &said, now)? {
                    return Ok(false);
                }
                stages::enter(db, id, fence, said.stage, Some(said.at.into()), now)?;
                if said.stage == Stage::Publish {
                    publish_leases::renew(db, id, fence, now + lease)?;
                }
                if let Some(until) = said.limited_until
                    && let Some(attempt) = attempts::find(db, id)?
                    && let Some(job) = jobs::find(db, attempt.job_id)?
                {
                    publish_leases::limited(db, &counted.row(&job.repo), id, fence, until.into(), now)?;
                }
                Ok(true)
            })
            .await?;
        if !heard {
            self.measure.old_fence("progress");
        }
        Ok(())
    }
}
