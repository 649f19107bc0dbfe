//! The notifier says that a notice was delivered.

use super::Flow;
use crate::store::notices;
use anyhow::Result;
use domain::message::NoticeDelivered;

impl Flow {
    /// Notes the delivery and the channel's own id of the message.
    ///
    /// # Errors
    /// When the database fails: the message should come again.
    pub async fn on_delivered(&self, told: NoticeDelivered) -> Result<()> {
        self.store
            .tx(move |db, _| {
                Ok(notices::delivered(
                    db,
                    told.notice.into(),
                    &told.channel,
                    told.external_id.as_deref(),
                    told.at.into(),
                )?)
            })
            .await
    }
}
