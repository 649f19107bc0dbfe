//! Counts what a process and its descendants use, out of /proc, where no control group does.

use std::collections::HashMap;
use std::time::Duration;

/// What a tree of processes uses at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    pub cpu: Duration,
    pub resident_bytes: u64,
}

struct Seen {
    parent: u32,
    ticks: u64,
    pages: u64,
}

/// Adds up the tree below `root`, `root` included.
pub(crate) fn usage(root: u32) -> Usage {
    let mut seen = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if let Some(process) = std::fs::read_to_string(entry.path().join("stat"))
            .ok()
            .as_deref()
            .and_then(parse)
        {
            seen.insert(pid, process);
        }
    }
    let ticks_per_second = rustix::param::clock_ticks_per_second().max(1);
    let page = rustix::param::page_size() as u64;
    let mut total = Usage::default();
    for (&pid, process) in &seen {
        if is_below(&seen, pid, root) {
            total.cpu += Duration::from_millis(process.ticks * 1000 / ticks_per_second);
            total.resident_bytes += process.pages * page;
        }
    }
    total
}

fn is_below(seen: &HashMap<u32, Seen>, mut pid: u32, root: u32) -> bool {
    // A chain of parents is short; the bound guards against a loop in a list that was read while it changed.
    for _ in 0..256 {
        if pid == root {
            return true;
        }
        match seen.get(&pid) {
            Some(process) if process.parent != 0 => pid = process.parent,
            _ => return false,
        }
    }
    false
}

/// Reads a stat line. The name in parentheses may contain anything, so fields are counted from its last `)`.
fn parse(stat: &str) -> Option<Seen> {
    let rest: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
    let number = |field: usize| rest.get(field)?.parse::<u64>().ok();
    // utime, stime and the same of children that were waited for.
    let ticks = number(11)? + number(12)? + number(13)? + number(14)?;
    Some(Seen {
        parent: rest.get(1)?.parse().ok()?,
        ticks,
        pages: number(21)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn reads_a_stat_line_with_a_hostile_name() {
        let line = "42 (a) R 1 (b)) S 7 1 1 0 -1 0 0 0 0 0 10 5 3 2 20 0 1 0 100 4096000 250 0";
        let process = parse(line).unwrap();
        assert_eq!((process.parent, process.ticks, process.pages), (7, 20, 250));
    }

    #[test]
    fn sees_this_process() {
        assert!(usage(std::process::id()).resident_bytes > 0);
    }
}
