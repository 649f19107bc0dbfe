//! The whole system: real services over one bus, a real database, real git over HTTP and a real sandbox. Only the world outside is
//! stood in for: GitHub, Slack, Sentry.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod cli;
mod github;
mod health;
mod layers;
mod mask;
mod settings;
mod shop;
mod story;
mod world;

/// The repository that most stories are about.
const SHOP: &str = "acme/shop";
