//! What `/proc` says: what a process uses, and which processes it has started.

use std::time::Duration;

/// What a process uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Memory that it has now, in bytes.
    pub resident: u64,
    /// The most that it ever had.
    pub peak: u64,
    /// Time of processors, its own without its children's.
    pub cpu: Duration,
}

/// A process that outlives whoever started it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Its number.
    pub pid: u32,
    /// Its program's name.
    pub name: String,
    /// A number may be given again; together with this it is only one process.
    started: u64,
}

impl Stray {
    /// Whether it still runs.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        Stat::of(self.pid).is_some_and(|stat| stat.started == self.started && stat.state != 'Z')
    }
}

/// What a process uses; nothing when it is gone.
pub fn usage(pid: u32) -> Option<Usage> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kilobytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    let ticks = Stat::of(pid)?.ticks;
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Some(Usage {
        resident: kilobytes("VmRSS:")? * 1024,
        peak: kilobytes("VmHWM:")? * 1024,
        cpu: Duration::from_millis(ticks * 1000 / per_second),
    })
}

/// Everything that a process has started and that still runs, also through others.
pub fn below(pid: u32) -> Vec<Stray> {
    let numbers = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let all: Vec<(u32, Stat)> = numbers.filter_map(|pid| Some((pid, Stat::of(pid)?))).collect();
    let mut found = Vec::new();
    let mut left = vec![pid];
    while let Some(parent) = left.pop() {
        for (pid, stat) in all.iter().filter(|(_, stat)| stat.parent == parent) {
            left.push(*pid);
            found.push(Stray {
                pid: *pid,
                name: stat.name.clone(),
                started: stat.started,
            });
        }
    }
    found
}

/// A line of `/proc/<pid>/stat`.
struct Stat {
    name: String,
    state: char,
    parent: u32,
    ticks: u64,
    started: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        Self::read(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The name stands in brackets and may hold any character, so what follows is counted from its end.
    fn read(line: &str) -> Option<Self> {
        let (_, rest) = line.split_once('(')?;
        let (name, rest) = rest.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            name: name.to_owned(),
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            ticks: number(11)? + number(12)?,
            started: number(19)?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_name_may_hold_brackets_and_blanks() {
        let line = "42 (a) b (c)) S 7 42 42 0 -1 4194304 90 0 0 0 150 50 0 0 20 0 1 0 987654 1000 200 0";
        let stat = Stat::read(line).unwrap();
        assert_eq!((stat.name.as_str(), stat.state, stat.parent), ("a) b (c)", 'S', 7));
        assert_eq!((stat.ticks, stat.started), (200, 987_654));
        assert!(Stat::read("42 (").is_none());
    }

    #[test]
    fn this_process_uses_something() {
        let own = usage(std::process::id()).unwrap();
        assert!(own.resident > 0 && own.peak >= own.resident, "{own:?}");
        assert_eq!(usage(u32::MAX), None);
    }
}
