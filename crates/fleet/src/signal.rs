//! Signals to processes by their number. They fail only when the process is gone, which is what whoever waits for it finds out.

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// To one process.
pub fn signal(pid: u32, what: Signal) {
    if let Some(pid) = number(pid) {
        let _ = kill_process(pid, what);
    }
}

/// To a process and all that belong to its group.
pub fn signal_group(leader: u32, what: Signal) {
    if let Some(leader) = number(leader) {
        let _ = kill_process_group(leader, what);
    }
}

fn number(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}
