//! The host as a source: CPU and memory of the machine, of the container we are in, or of another process.
//!
//! What a limit is set on is measured against that limit (control groups, version 2), everything else against the
//! machine. What is counted over time is the mean between two takes, so that the first take has none of it.

mod cgroup;
mod files;
mod process;

use std::path::PathBuf;

use lockkeeper_core::message;
use lockkeeper_core::model::{Message, Verdict};

use super::bound::Bound;
use super::reading::{Reading, Taken};
use crate::seams;
use cgroup::{CpuLimit, Groups};
use files::Root;
use process::{Process, TICKS_PER_SECOND};

/// Whose CPU and memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostSubject {
    /// The machine; inside of a container with limits, the container.
    Host,
    Process(i32),
    /// The process whose number stands in this file, whichever it is at the moment.
    PidFile(PathBuf),
    /// The process that listens on this TCP port, whichever it is at the moment.
    Listener(u16),
}

/// The bound of each value; one without a bound is told and not judged. A share is between 0 and 1.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostBounds {
    /// Of the CPU time that there was, or that the limit allows.
    pub cpu_share: Option<Bound>,
    /// How many CPUs' worth of time a process itself used.
    pub cpu_cores: Option<Bound>,
    /// Of the periods, those in which the limit was reached. Without a limit, none.
    pub cpu_throttled_share: Option<Bound>,
    /// Of the time, that in which somebody waited for a CPU.
    pub cpu_pressure_share: Option<Bound>,
    /// Of the memory that there is, or that the limit allows.
    pub memory_share: Option<Bound>,
    /// What a process itself has in memory.
    pub memory_bytes: Option<Bound>,
    /// Of the time, that in which somebody waited for memory.
    pub memory_pressure_share: Option<Bound>,
}

/// A probe of one machine, container or process.
#[derive(Debug)]
pub struct HostProbe {
    root: Root,
    subject: HostSubject,
    bounds: HostBounds,
    before: Option<Sample>,
}

/// What is counted over time, as one take saw it.
#[derive(Debug, Clone, PartialEq)]
struct Sample {
    uptime_s: f64,
    host_ticks: (f64, f64),
    process: Option<Process>,
    /// Whether limits could be seen if there were any.
    sees_limits: bool,
    limit: Option<CpuLimit>,
    cpu_waited_us: Option<f64>,
    memory_waited_us: Option<f64>,
}

impl HostProbe {
    /// `root` is `/`, or where another machine's `/proc` and `/sys` can be seen.
    pub const fn new(root: PathBuf, subject: HostSubject, bounds: HostBounds) -> Self {
        Self { root: Root::new(root), subject, bounds, before: None }
    }

    /// Reads some small files; nothing in it waits.
    #[expect(clippy::unused_async, reason = "taken like every other source")]
    pub async fn take(&mut self) -> Taken {
        let outcome = self.measure();
        let at = seams::wall_clock();
        match outcome {
            Ok((readings, note)) => {
                let mut taken = Taken::of(at, readings);
                if let Some(note) = note {
                    taken.measurement.said = message!("probe-values", values = vec![taken.measurement.said, note]);
                }
                taken
            }
            Err(why) => {
                self.before = None;
                let is_absent =
                    ["probe-host-no-process", "probe-host-no-listener", "probe-host-no-pid-file"].contains(&why.id);
                Taken::bare(at, if is_absent { Verdict::NoData } else { Verdict::ProbeError }, why)
            }
        }
    }

    /// The readings, and a word on what they are measured against where that is not what one would think.
    fn measure(&mut self) -> Result<(Vec<Reading>, Option<Message>), Message> {
        let process = self.process()?;
        let groups = match &process {
            Some(process) => Groups::of_process(&self.root, process.pid),
            None => Groups::outermost(&self.root),
        };
        let stat = self.root.needed("/proc/stat")?;
        let host_ticks = files::cpu_ticks(&stat).ok_or_else(|| files::unreadable("/proc/stat", "cpu"))?;
        let now = Sample {
            uptime_s: self.root.uptime_s()?,
            host_ticks,
            sees_limits: groups.is_some(),
            limit: groups.as_ref().and_then(|groups| groups.cpu(&self.root)),
            cpu_waited_us: self.waited_us(groups.as_ref(), "cpu"),
            memory_waited_us: self.waited_us(groups.as_ref(), "memory"),
            process,
        };
        let before = self.before.replace(now.clone()).filter(|before| before.is_comparable_with(&now));
        let mut readings = self.over_time(before.as_ref(), &now, files::cpus(&stat));
        readings.extend(self.memory(groups.as_ref(), now.process.as_ref())?);
        let note = groups.is_none().then(|| message!("probe-host-no-cgroup"));
        Ok((readings, note))
    }

    fn process(&self) -> Result<Option<Process>, Message> {
        let pid = match &self.subject {
            HostSubject::Host => return Ok(None),
            HostSubject::Process(pid) => *pid,
            HostSubject::PidFile(path) => process::written_down(&self.root, path)?,
            HostSubject::Listener(port) => {
                process::listener(&self.root, *port)?.ok_or_else(|| message!("probe-host-no-listener", port = *port))?
            }
        };
        let process = Process::read(&self.root, pid)?;
        process.map(Some).ok_or_else(|| message!("probe-host-no-process", pid = pid))
    }

    /// Of the process's own group; of the machine, where it has none or the kernel does not tell.
    fn waited_us(&self, groups: Option<&Groups>, of: &str) -> Option<f64> {
        let own = groups.and_then(|groups| groups.own(&self.root, &format!("{of}.pressure")));
        let text = own.or_else(|| self.root.read(format!("/proc/pressure/{of}")).ok())?;
        files::waited_us(&text)
    }

    fn over_time(&self, before: Option<&Sample>, now: &Sample, cpus: f64) -> Vec<Reading> {
        let bounds = &self.bounds;
        let Some(before) = before else {
            let missing = |name, bound| Reading::missing(name, message!("probe-host-first"), bound);
            // The machine has no share of itself.
            let of_process = now.process.as_ref().map(|_| missing("cpu_cores", bounds.cpu_cores));
            let all = [
                missing("cpu_share", bounds.cpu_share),
                missing("cpu_throttled_share", bounds.cpu_throttled_share),
                missing("cpu_pressure_share", bounds.cpu_pressure_share),
                missing("memory_pressure_share", bounds.memory_pressure_share),
            ];
            return all.into_iter().chain(of_process).collect();
        };
        let seconds = now.uptime_s - before.uptime_s;
        let cores_used = now.process.as_ref().zip(before.process.as_ref());
        let cores_used =
            cores_used.map(|(now, before)| (now.cpu_ticks - before.cpu_ticks) / TICKS_PER_SECOND / seconds);
        let limited = now.limit.as_ref().zip(before.limit.as_ref());
        let cpu_share = match (limited, cores_used) {
            (Some((now, before)), _) => (now.used_us - before.used_us) / 1e6 / seconds / now.cores,
            (None, Some(cores)) => cores / cpus,
            (None, None) => (now.host_ticks.0 - before.host_ticks.0) / (now.host_ticks.1 - before.host_ticks.1),
        };
        let mut readings = vec![Reading::new("cpu_share", cpu_share, bounds.cpu_share)];
        readings.extend(cores_used.map(|cores| Reading::new("cpu_cores", cores, bounds.cpu_cores)));
        readings.push(throttled(limited, now.sees_limits, bounds.cpu_throttled_share));
        let pressure = |name, now: Option<f64>, before: Option<f64>, bound| match now.zip(before) {
            Some((now, before)) => Reading::new(name, (now - before) / 1e6 / seconds, bound),
            None => Reading::missing(name, message!("probe-host-no-pressure"), bound),
        };
        readings.push(pressure(
            "cpu_pressure_share",
            now.cpu_waited_us,
            before.cpu_waited_us,
            bounds.cpu_pressure_share,
        ));
        readings.push(pressure(
            "memory_pressure_share",
            now.memory_waited_us,
            before.memory_waited_us,
            bounds.memory_pressure_share,
        ));
        readings
    }

    fn memory(&self, groups: Option<&Groups>, process: Option<&Process>) -> Result<Vec<Reading>, Message> {
        let resident = process.map(|process| process.resident_bytes);
        let limited = groups.and_then(|groups| groups.memory(&self.root)).map(|limited| limited.used / limited.limit);
        let share = match limited {
            Some(share) => share,
            None => self.memory_of_machine(resident)?,
        };
        let mut readings = vec![Reading::new("memory_share", share, self.bounds.memory_share)];
        readings.extend(resident.map(|bytes| Reading::new("memory_bytes", bytes, self.bounds.memory_bytes)));
        Ok(readings)
    }

    /// The share of all memory that the process has, or that is not available to anybody any more.
    fn memory_of_machine(&self, resident: Option<f64>) -> Result<f64, Message> {
        let meminfo = self.root.needed("/proc/meminfo")?;
        let number = |key| files::keyed(&meminfo, key).ok_or_else(|| files::unreadable("/proc/meminfo", key));
        let (total, available) = (number("MemTotal")?, number("MemAvailable")?);
        Ok(resident.map_or(1.0 - available / total, |resident| resident / (total * 1024.0)))
    }
}

fn throttled(limited: Option<(&CpuLimit, &CpuLimit)>, sees_limits: bool, bound: Option<Bound>) -> Reading {
    let Some((now, before)) = limited else {
        // Who has no limit is never held back by it.
        return if sees_limits {
            Reading::new("cpu_throttled_share", 0.0, bound)
        } else {
            Reading::missing("cpu_throttled_share", message!("probe-host-no-cgroup"), bound)
        };
    };
    // Nothing was held back in a period that did not begin.
    let periods = (now.periods - before.periods).max(1.0);
    Reading::new("cpu_throttled_share", (now.throttled - before.throttled) / periods, bound)
}

impl Sample {
    /// Whether what was counted since belongs together: the same process in the same group, and time went on.
    fn is_comparable_with(&self, now: &Self) -> bool {
        let identity = |sample: &Self| {
            let process = sample.process.as_ref().map(|process| (process.pid, process.began));
            (process, sample.limit.as_ref().map(|limit| limit.group.clone()))
        };
        identity(self) == identity(now)
            && now.uptime_s > self.uptime_s
            && (now.process.is_some() || now.host_ticks.1 > self.host_ticks.1)
    }
}
