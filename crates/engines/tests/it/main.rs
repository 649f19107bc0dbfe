//! One binary of integration tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests prepare environments and look at CI")]

mod runner;
mod runner_live;
mod search;
