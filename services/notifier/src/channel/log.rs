//! The log as a channel, for installations without Slack: nothing that people should know is lost without a trace.

use super::{Channel, SendError};
use crate::page::Text;
use async_trait::async_trait;

pub(crate) struct Log;

#[async_trait]
impl Channel for Log {
    async fn send(&self, text: &Text) -> Result<Option<String>, SendError> {
        tracing::info!(target: "notice", "{}", text.plain);
        Ok(None)
    }
}
