//! The files of `/proc` and `/sys`, under whatever root they are read from.

use std::io;
use std::path::{Path, PathBuf};

use lockkeeper_core::message;
use lockkeeper_core::model::Message;

/// Where `/proc` and `/sys` stand: `/`, or a tree that was recorded.
#[derive(Debug, Clone)]
pub(super) struct Root(PathBuf);

impl Root {
    pub(super) const fn new(root: PathBuf) -> Self {
        Self(root)
    }

    pub(super) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        let below = below.as_ref();
        self.0.join(below.strip_prefix("/").unwrap_or(below))
    }

    pub(super) fn read(&self, below: impl AsRef<Path>) -> io::Result<String> {
        std::fs::read_to_string(self.path(below))
    }

    /// A file without which nothing can be said.
    pub(super) fn needed(&self, below: &str) -> Result<String, Message> {
        self.read(below).map_err(|error| unreadable(below, &error.to_string()))
    }

    /// Seconds since the machine began: the clock of whoever wrote the other files.
    pub(super) fn uptime_s(&self) -> Result<f64, Message> {
        let text = self.needed("/proc/uptime")?;
        let first = text.split_ascii_whitespace().next().and_then(|first| first.parse().ok());
        first.ok_or_else(|| unreadable("/proc/uptime", &text))
    }
}

pub(super) fn unreadable(path: &str, reason: &str) -> Message {
    message!("probe-host-unreadable", path = path, reason = reason)
}

/// The number behind a key, in a file of `key value` or `key: value kB`.
pub(super) fn keyed(text: &str, key: &str) -> Option<f64> {
    text.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let is_it = words.next()?.trim_end_matches(':') == key;
        if is_it { words.next()?.parse().ok() } else { None }
    })
}

/// The microseconds for which somebody had to wait, from a file of pressure
/// (kernel documentation, PSI: `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`).
pub(super) fn waited_us(text: &str) -> Option<f64> {
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    some.split_ascii_whitespace().find_map(|word| word.strip_prefix("total="))?.parse().ok()
}

/// Busy and total time of all CPUs, in ticks, from `/proc/stat`. Waiting for a disk is rest; what a hypervisor takes
/// away is not.
pub(super) fn cpu_ticks(stat: &str) -> Option<(f64, f64)> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Option<Vec<f64>> = line.split_ascii_whitespace().take(8).map(|tick| tick.parse().ok()).collect();
    let ticks = ticks?;
    let total: f64 = ticks.iter().sum();
    Some((total - ticks.get(3)? - ticks.get(4).unwrap_or(&0.0), total))
}

/// How many CPUs there are.
#[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 CPUs")]
pub(super) fn cpus(stat: &str) -> f64 {
    let is_one =
        |line: &&str| line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    stat.lines().filter(is_one).count().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        let stat =
            "cpu  100 0 50 800 40 5 5 0 0 0\ncpu0 50 0 25 400 20 2 3 0 0 0\ncpu1 50 0 25 400 20 3 2 0 0 0\nintr 1\n";
        assert_eq!(cpu_ticks(stat), Some((160.0, 1000.0)));
        assert!((cpus(stat) - 2.0).abs() < 0.1);
        assert_eq!(keyed("MemTotal:       2048 kB\nMemAvailable: 512 kB\n", "MemAvailable"), Some(512.0));
        assert_eq!(keyed("usage_usec 7\nnr_periods 9\n", "nr_periods"), Some(9.0));
        assert_eq!(waited_us("some avg10=1.00 avg60=0.00 avg300=0.00 total=125\nfull avg10=0 total=3\n"), Some(125.0));
        assert_eq!(waited_us(""), None);
    }
}
