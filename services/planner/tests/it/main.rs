//! The planner's tests: the store on both databases, and the flows through a real bus.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[macro_use]
mod case;
mod signal;

mod api;
mod database;
mod deliveries;
mod fences;
mod flaky_tests;
mod health;
mod incidents;
mod lifecycle;
mod order;
mod outbox;
mod plans;
mod progress;
mod retries;
mod store;
mod trace;
mod two;
