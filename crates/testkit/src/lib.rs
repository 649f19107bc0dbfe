//! What tests need to look into the middle of things: a bus that can be watched and held, fresh databases, a broker, patience.

pub mod broker;
pub mod database;
pub mod eventually;
pub mod tap;

pub use broker::{Broker, broker_url};
pub use database::{FreshDatabase, fresh_databases};
pub use eventually::eventually;
pub use stand_in::{SentryStandIn, SlackStandIn, github_signature, hmac, http_client, sentry, slack};
pub use tap::TappedBus;
