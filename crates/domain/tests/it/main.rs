//! Rules that must hold for every input, and the golden files of the message contract.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod contract;
mod guardrail;
