//! The doors over real HTTP, with a planner's answers on a real bus.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod answers;
mod broker;
mod conformance;
mod disk;
mod durable;
mod process;
mod signatures;
mod site;
