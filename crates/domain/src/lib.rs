//! The nouns and rules of Fixpoint. No I/O, no async, no clock, no randomness: time and identifiers come in as parameters.

pub mod attempt;
pub mod confidence;
pub mod delivery;
pub mod diagnosis;
pub mod evidence;
pub mod fingerprint;
pub mod fix;
pub mod guardrail;
pub mod id;
pub mod incident;
pub mod job;
pub mod message;
pub mod notice;
pub mod path;
pub mod project;
pub mod pull_request;
pub mod repo;
pub mod signal;
pub mod text;
