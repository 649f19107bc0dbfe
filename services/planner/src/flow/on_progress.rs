//! A fixer says how far it is. An old fence is not listened to.

use super::Flow;
use crate::store::{attempts, stages};
use anyhow::Result;
use domain::message::AttemptProgressed;

impl Flow {
    /// Notes a heartbeat and the stage.
    ///
    /// # Errors
    /// When the database fails; nobody repeats a heartbeat, the next one comes by itself.
    pub async fn on_progress(&self, said: AttemptProgressed) -> Result<()> {
        let heard = self
            .store
            .tx(move |db, now| {
                let heard = attempts::progress(db, &said, now)?;
                if heard {
                    stages::enter(db, said.attempt.into(), said.fence.0, said.stage, now)?;
                }
                Ok(heard)
            })
            .await?;
        if !heard {
            self.measure.old_fence("progress");
        }
        Ok(())
    }
}
