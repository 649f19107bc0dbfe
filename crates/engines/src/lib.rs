//! Who proposes a fix: engines behind one trait, told by a `Brief`, answering with `Proposals`.
pub mod bench;
pub mod brief;
pub mod engine;
pub mod error;
pub mod runner;
pub mod search;

pub use bench::Bench;
pub use brief::{Blocked, Brief, Budget, Failure, Frame};
pub use engine::{Engine, Progress, Proposal, Proposals, Tally, Watcher};
pub use error::EngineError;
pub use search::Search;
