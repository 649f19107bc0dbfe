//! How a command ended.

use std::time::Duration;

/// How a command ended and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// How it ended.
    pub exit: Exit,
    /// Its standard output, or nothing when the caller read that itself.
    pub stdout: Captured,
    /// Its standard error.
    pub stderr: Captured,
    /// Time by the clock from start to end.
    pub wall: Duration,
    /// Processor time of all its processes, as far as it was seen: exact with a control group, sampled without.
    pub cpu: Duration,
}

impl Finished {
    /// Whether it ended by itself with code 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.exit == Exit::Code(0)
    }
}

/// The end of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It ended by itself. In the sandbox, as in a shell, codes from 129 to 192 mean a signal and are shown as one.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
    /// It was killed because its time by the clock, or the processor time of all its processes, was used up.
    TimedOut,
    /// It was killed because it used too much memory.
    OutOfMemory,
    /// It was killed because its files took too much room, or were too many.
    OutOfDisk,
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::TimedOut => f.write_str("out of time"),
            Self::OutOfMemory => f.write_str("out of memory"),
            Self::OutOfDisk => f.write_str("out of room for files"),
        }
    }
}

/// What was kept of an output: its head and its tail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// The text, with a line in the middle where something is left out. Bytes that are no UTF-8 are replaced.
    pub text: String,
    /// How much is left out.
    pub truncated_bytes: u64,
}
