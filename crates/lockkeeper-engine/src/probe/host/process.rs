//! One process: by its number, or by the port it listens on.

use std::path::Path;

use lockkeeper_core::message;
use lockkeeper_core::model::Message;

use super::files::{Root, keyed, unreadable};

/// Ticks in which the kernel counts a process's time: 100 a second towards programs, whatever it uses itself.
pub(super) const TICKS_PER_SECOND: f64 = 100.0;

/// A process as one take saw it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Process {
    pub(super) pid: i32,
    /// By which a number that was given anew is told from the old one.
    pub(super) began: u64,
    pub(super) cpu_ticks: f64,
    /// What it has in memory itself.
    pub(super) resident_bytes: f64,
}

impl Process {
    /// `Ok(None)` when there is none of this number.
    pub(super) fn read(root: &Root, pid: i32) -> Result<Option<Self>, Message> {
        let path = format!("/proc/{pid}/stat");
        let stat = match root.read(&path) {
            Ok(stat) => stat,
            // ESRCH when it ends while it is read.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH) => {
                return Ok(None);
            }
            Err(error) => return Err(unreadable(&path, &error.to_string())),
        };
        let (cpu_ticks, began) = times(&stat).ok_or_else(|| unreadable(&path, "stat"))?;
        let status = root.read(format!("/proc/{pid}/status")).unwrap_or_default();
        let resident_bytes = keyed(&status, "VmRSS").unwrap_or(0.0) * 1024.0;
        Ok(Some(Self { pid, began, cpu_ticks, resident_bytes }))
    }
}

/// User and system time together, and when it began, by the numbers of proc(5). The name in brackets may hold blanks
/// and brackets itself.
fn times(stat: &str) -> Option<(f64, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    // The first one is number 3, the state.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |of: usize| fields.get(of - 3);
    let ticks = |of: usize| number(of)?.parse::<f64>().ok();
    Some((ticks(14)? + ticks(15)?, number(22)?.parse().ok()?))
}

/// The number in a pid file: its first word, because some servers write more below it.
pub(super) fn written_down(root: &Root, path: &Path) -> Result<i32, Message> {
    let shown = path.display().to_string();
    // One that is not named from the root on is meant from where we were started.
    let read = if path.is_absolute() { root.read(path) } else { std::fs::read_to_string(path) };
    let text = match read {
        Ok(text) => text,
        // Who is stopped takes its file away.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(message!("probe-host-no-pid-file", path = shown));
        }
        Err(error) => return Err(unreadable(&shown, &error.to_string())),
    };
    let number = text.split_ascii_whitespace().next().and_then(|word| word.parse().ok());
    number.filter(|pid| *pid > 0).ok_or_else(|| unreadable(&shown, "no pid"))
}

/// The process that listens on a TCP port: of those that share the socket, the one that began first.
pub(super) fn listener(root: &Root, port: u16) -> Result<Option<i32>, Message> {
    let mut sockets: Vec<String> = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        // A kernel without IPv6 has no second table.
        let text = root.read(table).unwrap_or_default();
        sockets.extend(text.lines().filter_map(|line| listening(line, port)).map(|inode| format!("socket:[{inode}]")));
    }
    if sockets.is_empty() {
        return Ok(None);
    }
    let (mut holders, mut is_hidden) = (Vec::new(), false);
    let processes = std::fs::read_dir(root.path("/proc")).map_err(|error| unreadable("/proc", &error.to_string()))?;
    for process in processes.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        match holds(&process.path(), &sockets) {
            Ok(true) => holders.extend(Process::read(root, pid)?),
            Ok(false) => {}
            Err(error) => is_hidden |= error.kind() == std::io::ErrorKind::PermissionDenied,
        }
    }
    match holders.iter().min_by_key(|holder| (holder.began, holder.pid)) {
        Some(first) => Ok(Some(first.pid)),
        None if is_hidden => Err(message!("probe-host-hidden", port = port)),
        None => Ok(None),
    }
}

fn holds(process: &Path, sockets: &[String]) -> std::io::Result<bool> {
    for descriptor in std::fs::read_dir(process.join("fd"))? {
        // A descriptor may be closed while we look.
        let Ok(link) = std::fs::read_link(descriptor?.path()) else { continue };
        if link.to_str().is_some_and(|link| sockets.iter().any(|socket| socket == link)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The inode of the socket, when a line of `/proc/net/tcp` is about one that listens on this port.
fn listening(line: &str, port: u16) -> Option<&str> {
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
    let is_it = fields.get(3) == Some(&LISTEN) && u16::from_str_radix(local_port, 16) == Ok(port);
    if is_it { fields.get(9).copied() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_blanks_and_brackets() {
        let stat = "42 (a) R (b) S 1 42 42 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 1 0 12345 1000 200";
        assert_eq!(times(stat), Some((300.0, 12345)));
        assert_eq!(times("42 (short) S 1"), None);
    }

    #[test]
    fn only_who_listens_is_found() {
        let line =
            "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 98765 1 0";
        assert_eq!(listening(line, 8080), Some("98765"));
        assert_eq!(listening(line, 80), None);
        assert_eq!(listening(&line.replace(" 0A ", " 01 "), 8080), None, "an open connection is no listener");
    }
}
