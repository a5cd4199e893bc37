//! Control groups, version 2: what a process may use at most, what its group used, and how often it was held back
//! (kernel documentation, Control Group v2).

use std::path::{Path, PathBuf};

use super::files::{Root, keyed};

/// Where the hierarchy is mounted.
const MOUNT: &str = "/sys/fs/cgroup";

/// A group, and those above it, the nearest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Groups(Vec<PathBuf>);

/// A limit on CPU time, and what was used of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CpuLimit {
    pub(super) group: PathBuf,
    /// How many CPUs' worth of time it may use.
    pub(super) cores: f64,
    pub(super) used_us: f64,
    pub(super) periods: f64,
    pub(super) throttled: f64,
}

/// A limit on memory, and what is used of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MemoryLimit {
    pub(super) limit: f64,
    /// Without what the kernel would give back at once: pages of files that nobody uses.
    pub(super) used: f64,
}

impl Groups {
    /// Of a process, by `/proc/PID/cgroup`. `None` where there is only version 1, or nothing.
    pub(super) fn of_process(root: &Root, pid: i32) -> Option<Self> {
        let text = root.read(format!("/proc/{pid}/cgroup")).ok()?;
        let own = text.lines().find_map(|line| line.strip_prefix("0::"))?;
        Self::from(root, own)
    }

    /// The one that everything stands in which can be seen from here: a container's own, and on a machine itself one
    /// without limits.
    pub(super) fn outermost(root: &Root) -> Option<Self> {
        Self::from(root, "/")
    }

    fn from(root: &Root, own: &str) -> Option<Self> {
        // Beside version 1, version 2 is mounted elsewhere and limits nothing.
        root.read(format!("{MOUNT}/cgroup.controllers")).ok()?;
        // A process outside of our own namespace has a path that leads out of it.
        let own = own.trim_start_matches('/');
        let is_inside = !own.split('/').any(|part| part == "..");
        let mount = Path::new(MOUNT);
        let lowest = if is_inside { mount.join(own) } else { mount.to_owned() };
        Some(Self(lowest.ancestors().take_while(|path| path.starts_with(mount)).map(Path::to_owned).collect()))
    }

    /// The tightest limit on CPU time: its own, or that of a group above it.
    pub(super) fn cpu(&self, root: &Root) -> Option<CpuLimit> {
        let limits = self.0.iter().filter_map(|group| {
            let max = root.read(group.join("cpu.max")).ok()?;
            let mut words = max.split_ascii_whitespace();
            let (quota, period): (f64, f64) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            let stat = root.read(group.join("cpu.stat")).ok()?;
            Some(CpuLimit {
                group: group.clone(),
                cores: quota / period,
                used_us: keyed(&stat, "usage_usec")?,
                periods: keyed(&stat, "nr_periods").unwrap_or(0.0),
                throttled: keyed(&stat, "nr_throttled").unwrap_or(0.0),
            })
        });
        limits.filter(|limit| limit.cores > 0.0).min_by(|one, other| one.cores.total_cmp(&other.cores))
    }

    /// The limit on memory that is nearest to being reached.
    pub(super) fn memory(&self, root: &Root) -> Option<MemoryLimit> {
        let number = |group: &Path, name| root.read(group.join(name)).ok()?.trim().parse::<f64>().ok();
        let limits = self.0.iter().filter_map(|group| {
            let limit = number(group, "memory.max").filter(|limit| *limit > 0.0)?;
            let stat = root.read(group.join("memory.stat")).unwrap_or_default();
            let idle = keyed(&stat, "inactive_file").unwrap_or(0.0);
            Some(MemoryLimit { limit, used: (number(group, "memory.current")? - idle).max(0.0) })
        });
        limits.max_by(|one, other| (one.used / one.limit).total_cmp(&(other.used / other.limit)))
    }

    /// The text of a file of the group itself.
    pub(super) fn own(&self, root: &Root, name: &str) -> Option<String> {
        root.read(self.0.first()?.join(name)).ok()
    }
}
