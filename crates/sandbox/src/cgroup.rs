//! Control groups: one per command, counting memory, processes and processor time of all it starts.
//!
//! Version 2 is used where a folder is delegated to us, version 1 where we are root. Elsewhere there is none, and
//! [`crate::process_tree`] samples instead.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::{Limits, SandboxError};

/// Where groups are made.
#[derive(Debug, Clone)]
pub(crate) enum Cgroups {
    V2 {
        parent: PathBuf,
    },
    V1 {
        memory: PathBuf,
        pids: PathBuf,
        cpuacct: PathBuf,
    },
}

/// The group of one command. Its folders are removed when it is dropped, if it is empty by then.
#[derive(Debug)]
pub(crate) enum Cgroup {
    V2(PathBuf),
    V1 {
        memory: PathBuf,
        pids: PathBuf,
        cpuacct: PathBuf,
    },
}

/// bubblewrap's own two processes and the shell that joins the group are counted too.
const OWN_PROCESSES: u32 = 4;
const MOUNT: &str = "/sys/fs/cgroup";
const FOLDER: &str = "fixpoint";

static NEXT: AtomicU64 = AtomicU64::new(0);

impl Cgroups {
    /// Finds a place by making a group and removing it again.
    pub(crate) fn detect(configured: Option<&Path>) -> Option<Self> {
        v2_parents(configured)
            .into_iter()
            .find_map(|parent| prepare_v2(&parent))
            .or_else(detect_v1)
    }

    pub(crate) fn create(&self, limits: &Limits) -> Result<Cgroup, SandboxError> {
        let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let processes = limits.processes.saturating_add(OWN_PROCESSES).to_string();
        let memory_bytes = limits.memory_bytes.to_string();
        match self {
            Self::V2 { parent } => {
                let group = make(parent, &name)?;
                write(&group, "memory.max", &memory_bytes)?;
                write(&group, "pids.max", &processes)?;
                // Absent without swap; what it cannot limit it need not.
                let _ = write(&group, "memory.swap.max", "0");
                let _ = write(&group, "memory.oom.group", "1");
                Ok(Cgroup::V2(group))
            }
            Self::V1 { memory, pids, cpuacct } => {
                let group = Cgroup::V1 {
                    memory: make(memory, &name)?,
                    pids: make(pids, &name)?,
                    cpuacct: make(cpuacct, &name)?,
                };
                if let Cgroup::V1 { memory, pids, .. } = &group {
                    write(memory, "memory.limit_in_bytes", &memory_bytes)?;
                    let _ = write(memory, "memory.memsw.limit_in_bytes", &memory_bytes);
                    write(pids, "pids.max", &processes)?;
                }
                Ok(group)
            }
        }
    }
}

impl Cgroup {
    /// The folders that a process joins by writing its number to `cgroup.procs` in each.
    pub(crate) fn folders(&self) -> Vec<&Path> {
        match self {
            Self::V2(group) => vec![group],
            Self::V1 { memory, pids, cpuacct } => vec![memory, pids, cpuacct],
        }
    }

    pub(crate) fn cpu(&self) -> Duration {
        match self {
            Self::V2(group) => Duration::from_micros(counter(&group.join("cpu.stat"), "usage_usec")),
            Self::V1 { cpuacct, .. } => Duration::from_nanos(read_number(&cpuacct.join("cpuacct.usage"))),
        }
    }

    pub(crate) fn ran_out_of_memory(&self) -> bool {
        let file = match self {
            Self::V2(group) => group.join("memory.events"),
            Self::V1 { memory, .. } => memory.join("memory.oom_control"),
        };
        counter(&file, "oom_kill") > 0
    }

    /// Kills whatever is still in the group.
    pub(crate) fn kill(&self) {
        let group = match self {
            Self::V2(group) => {
                if fs::write(group.join("cgroup.kill"), "1").is_ok() {
                    return;
                }
                group
            }
            Self::V1 { pids, .. } => pids,
        };
        for pid in members(group) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Removes the group; waits up to two seconds for the last processes to be gone.
    pub(crate) async fn remove(self) {
        for _ in 0..100 {
            if self.try_remove() {
                return;
            }
            self.kill();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tracing::warn!(group = ?self, "a control group could not be removed");
    }

    fn try_remove(&self) -> bool {
        self.folders()
            .into_iter()
            .all(|folder| !folder.exists() || fs::remove_dir(folder).is_ok())
    }
}

impl Drop for Cgroup {
    /// Reached with processes inside only when the runtime ends before the command: then there is nobody to wait for later.
    fn drop(&mut self) {
        for _ in 0..20 {
            if self.try_remove() {
                return;
            }
            self.kill();
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Folders that may be delegated to us: the configured one, our own, and the one above (systemd's `DelegateSubgroup`).
fn v2_parents(configured: Option<&Path>) -> Vec<PathBuf> {
    let mut parents: Vec<PathBuf> = configured.map(Path::to_path_buf).into_iter().collect();
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    if let Some(path) = own.lines().find_map(|line| line.strip_prefix("0::/")) {
        let own = Path::new(MOUNT).join(path);
        if own.starts_with(MOUNT) && Path::new(MOUNT).join("cgroup.controllers").exists() {
            parents.extend(
                own.parent()
                    .filter(|above| above.starts_with(MOUNT))
                    .map(Path::to_path_buf),
            );
            parents.push(own);
        }
    }
    parents
}

fn prepare_v2(parent: &Path) -> Option<Cgroups> {
    let controllers = fs::read_to_string(parent.join("cgroup.controllers")).ok()?;
    let has = |name: &str| controllers.split_whitespace().any(|controller| controller == name);
    if !has("memory") || !has("pids") {
        return None;
    }
    // Refused while processes live in the folder itself, unless it is enabled already.
    let _ = fs::write(parent.join("cgroup.subtree_control"), "+memory +pids");
    let folder = parent.join(FOLDER);
    fs::create_dir_all(&folder).ok()?;
    let _ = fs::write(folder.join("cgroup.subtree_control"), "+memory +pids");
    sweep(&folder);
    usable(Cgroups::V2 { parent: folder })
}

fn detect_v1() -> Option<Cgroups> {
    let folder = |controller: &str| {
        let folder = Path::new(MOUNT).join(controller).join(FOLDER);
        fs::create_dir_all(&folder).ok()?;
        sweep(&folder);
        Some(folder)
    };
    let mounted = |controller: &str| Path::new(MOUNT).join(controller).join("cgroup.procs").exists();
    if !["memory", "pids", "cpuacct"].into_iter().all(mounted) {
        return None;
    }
    usable(Cgroups::V1 {
        memory: folder("memory")?,
        pids: folder("pids")?,
        cpuacct: folder("cpuacct")?,
    })
}

/// Tries the whole way once: make a group and let a process join it.
#[expect(
    clippy::disallowed_methods,
    reason = "starts sleep to see whether a process can join a group"
)]
fn usable(groups: Cgroups) -> Option<Cgroups> {
    let group = groups.create(&Limits::default()).ok()?;
    let mut child = std::process::Command::new("/bin/sleep")
        .arg("5")
        .env_clear()
        .spawn()
        .ok()?;
    let joined = group
        .folders()
        .iter()
        .all(|folder| fs::write(folder.join("cgroup.procs"), child.id().to_string()).is_ok());
    // Its end is certain: it is killed here.
    let _ = child.kill();
    let _ = child.wait();
    joined.then_some(groups)
}

/// Removes what processes that no longer exist have left behind.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.split_once('-'))
            .and_then(|(pid, _)| pid.parse::<u32>().ok());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            for pid in members(&entry.path()) {
                let _ = kill_process(pid, Signal::KILL);
            }
            let _ = fs::remove_dir(entry.path());
        }
    }
}

fn members(group: &Path) -> Vec<Pid> {
    let list = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    list.lines()
        .filter_map(|line| line.parse().ok().and_then(Pid::from_raw))
        .collect()
}

fn make(parent: &Path, name: &str) -> Result<PathBuf, SandboxError> {
    let group = parent.join(name);
    fs::create_dir(&group).map_err(SandboxError::io(format!(
        "cannot make the control group {}",
        group.display()
    )))?;
    Ok(group)
}

fn write(group: &Path, file: &str, value: &str) -> Result<(), SandboxError> {
    fs::write(group.join(file), value).map_err(SandboxError::io(format!("cannot set {file} of {}", group.display())))
}

fn read_number(file: &Path) -> u64 {
    fs::read_to_string(file)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or_default()
}

/// One line of a file of `name value` lines.
fn counter(file: &Path, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        .unwrap_or_default()
}
