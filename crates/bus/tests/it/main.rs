//! One suite for every bus, and what is the memory bus's own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod killed;
mod memory;
mod one_way;
mod rabbit;
mod suite;
mod wire;
