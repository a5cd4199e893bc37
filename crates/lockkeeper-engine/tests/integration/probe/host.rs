//! CPU and memory, out of trees that were recorded and of this machine.

use std::path::Path;

use lockkeeper_core::model::Verdict;
use lockkeeper_engine::probe::{Bound, HostBounds, HostProbe, HostSubject, Taken};
use tempfile::TempDir;

use super::http::{ids, value};

/// A machine with two CPUs and 1000 kB, on which process 42 listens on port 8080.
struct Tree(TempDir);

impl Tree {
    fn new() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        tree.write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\n");
        tree.write("proc/42/status", "Name:\tshop\nVmRSS:\t     200 kB\n");
        tree.write(
            "proc/net/tcp",
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
             0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 98765 1 0\n",
        );
        std::fs::create_dir_all(tree.0.path().join("proc/42/fd")).unwrap();
        std::os::unix::fs::symlink("socket:[98765]", tree.0.path().join("proc/42/fd/7")).unwrap();
        tree.at(1000.0, 0.0, 0.0);
        tree
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The machine's clock; so many seconds of CPU that were used since, by all, and by process 42.
    fn at(&self, uptime: f64, used: f64, used_by_process: f64) {
        self.write("proc/uptime", &format!("{uptime} 1\n"));
        let (busy, all) = (used * 100.0, (uptime - 1000.0) * 200.0);
        let idle = 1000.0 + all - busy;
        self.write("proc/stat", &format!("cpu  {} 0 0 {idle} 0 0 0 0 0 0\ncpu0 0\ncpu1 0\n", 500.0 + busy));
        let ticks = 70.0 + used_by_process * 100.0;
        self.write("proc/42/stat", &format!("42 (shop) S 1 42 42 0 -1 0 0 0 0 0 {ticks} 30 0 0 20 0 1 0 777 0 0\n"));
    }

    /// Version 2, in which process 42 has half a CPU and 400 kB.
    fn limit(&self, used_us: u64, periods: u64, throttled: u64) {
        self.write("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
        self.write("proc/42/cgroup", "0::/shop.slice/shop.service\n");
        let group = "sys/fs/cgroup/shop.slice/shop.service";
        self.write("sys/fs/cgroup/shop.slice/cpu.max", "max 100000\n");
        self.write(&format!("{group}/cpu.max"), "50000 100000\n");
        let stat = format!("usage_usec {used_us}\nuser_usec 1\nnr_periods {periods}\nnr_throttled {throttled}\n");
        self.write(&format!("{group}/cpu.stat"), &stat);
        self.write(&format!("{group}/memory.max"), "409600\n");
        self.write("sys/fs/cgroup/shop.slice/memory.max", "max\n");
        self.write(&format!("{group}/memory.current"), "348160\n");
        self.write(&format!("{group}/memory.stat"), "anon 1\ninactive_file 40960\n");
        self.write(&format!("{group}/cpu.pressure"), &format!("some avg10=0.00 total={}\n", used_us / 2));
    }

    fn probe(&self, subject: HostSubject) -> HostProbe {
        let bounds = HostBounds {
            cpu_share: Bound::parse("> 0.9"),
            memory_share: Bound::parse("> 0.9"),
            ..HostBounds::default()
        };
        HostProbe::new(self.0.path().to_owned(), subject, bounds)
    }
}

#[track_caller]
fn reads(taken: &Taken, name: &str, expected: f64) {
    assert!((value(taken, name) - expected).abs() < 0.001, "{name}: {taken:?}");
}

#[tokio::test]
async fn the_machine_is_measured_between_two_takes() {
    let tree = Tree::new();
    let mut probe = tree.probe(HostSubject::Host);
    let first = probe.take().await.measurement;
    assert_eq!(first.verdict, Verdict::NoData, "{}", first.said);
    tree.at(1010.0, 5.0, 0.0);
    let seen = probe.take().await;
    assert_eq!(seen.measurement.verdict, Verdict::Pass, "{}", seen.measurement.said);
    reads(&seen, "cpu_share", 0.25);
    reads(&seen, "memory_share", 0.6);
    tree.at(1020.0, 24.0, 0.0);
    let seen = probe.take().await;
    assert_eq!(seen.measurement.verdict, Verdict::Fail, "{}", seen.measurement.said);
    reads(&seen, "cpu_share", 0.95);
}

#[tokio::test]
async fn a_process_is_measured_against_its_limits() {
    let by_file = HostSubject::PidFile("/run/shop.pid".into());
    for subject in [HostSubject::Process(42), HostSubject::Listener(8080), by_file] {
        let tree = Tree::new();
        tree.limit(1_000_000, 100, 10);
        tree.write("run/shop.pid", "42\n/var/lib/shop\n");
        let mut probe = tree.probe(subject);
        probe.take().await;
        tree.at(1010.0, 5.0, 4.0);
        tree.limit(5_800_000, 200, 85);
        let seen = probe.take().await;
        reads(&seen, "cpu_share", 0.96);
        reads(&seen, "cpu_cores", 0.4);
        reads(&seen, "cpu_throttled_share", 0.75);
        reads(&seen, "cpu_pressure_share", 0.24);
        reads(&seen, "memory_share", 0.75);
        reads(&seen, "memory_bytes", 204_800.0);
        assert_eq!(seen.measurement.verdict, Verdict::Fail, "{}", seen.measurement.said);
    }
}

#[tokio::test]
async fn a_container_is_the_host_of_what_is_in_it() {
    let tree = Tree::new();
    tree.write("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
    tree.write("sys/fs/cgroup/cpu.max", "100000 100000\n");
    tree.write("sys/fs/cgroup/memory.max", "1024000\n");
    tree.write("sys/fs/cgroup/memory.current", "512000\n");
    tree.write("sys/fs/cgroup/cpu.stat", "usage_usec 0\nnr_periods 0\nnr_throttled 0\n");
    let mut probe = tree.probe(HostSubject::Host);
    probe.take().await;
    tree.at(1010.0, 20.0, 0.0);
    tree.write("sys/fs/cgroup/cpu.stat", "usage_usec 3000000\nnr_periods 100\nnr_throttled 0\n");
    let seen = probe.take().await;
    reads(&seen, "cpu_share", 0.3);
    reads(&seen, "memory_share", 0.5);
    reads(&seen, "cpu_throttled_share", 0.0);
}

#[tokio::test]
async fn who_has_no_limit_is_never_held_back_by_it() {
    let tree = Tree::new();
    tree.write("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
    let bounds = HostBounds { cpu_throttled_share: Bound::parse("> 0.1"), ..HostBounds::default() };
    let mut probe = HostProbe::new(tree.0.path().to_owned(), HostSubject::Host, bounds);
    probe.take().await;
    tree.at(1010.0, 5.0, 0.0);
    let seen = probe.take().await;
    assert_eq!(seen.measurement.verdict, Verdict::Pass, "{}", seen.measurement.said);
    // Where limits cannot be seen, nobody knows.
    std::fs::remove_dir_all(tree.0.path().join("sys")).unwrap();
    tree.at(1020.0, 10.0, 0.0);
    assert_eq!(probe.take().await.measurement.verdict, Verdict::NoData);
}

#[tokio::test]
async fn without_version_2_the_machines_figures_come_with_a_word() {
    let tree = Tree::new();
    tree.write("proc/42/cgroup", "4:memory:/shop\n3:cpu,cpuacct:/shop\n");
    tree.write("sys/fs/cgroup/cpu/shop/cpu.cfs_quota_us", "50000\n");
    for files in ["version 1 alone", "none at all"] {
        let mut probe = tree.probe(HostSubject::Process(42));
        tree.at(1000.0, 0.0, 0.0);
        probe.take().await;
        tree.at(1010.0, 5.0, 4.0);
        let seen = probe.take().await;
        reads(&seen, "cpu_share", 0.2);
        reads(&seen, "memory_share", 0.2);
        assert!(ids(&seen.measurement.said).contains(&"probe-host-no-cgroup"), "{files}: {}", seen.measurement.said);
        std::fs::remove_file(tree.0.path().join("proc/42/cgroup")).unwrap_or_default();
    }
}

#[tokio::test]
async fn a_process_that_began_anew_is_not_compared_with_the_old_one() {
    let tree = Tree::new();
    let mut probe = tree.probe(HostSubject::Listener(8080));
    probe.take().await;
    tree.at(1010.0, 5.0, 4.0);
    tree.write("proc/42/stat", "42 (shop) S 1 42 42 0 -1 0 0 0 0 0 7 3 0 0 20 0 1 0 100999 0 0\n");
    let seen = probe.take().await.measurement;
    assert_eq!(seen.verdict, Verdict::NoData, "{}", seen.said);
    std::fs::remove_dir_all(tree.0.path().join("proc/42")).unwrap();
    let seen = probe.take().await.measurement;
    assert_eq!((seen.verdict, seen.said.id), (Verdict::NoData, "probe-host-no-listener"));
    std::fs::remove_file(tree.0.path().join("proc/stat")).unwrap();
    let seen = tree.probe(HostSubject::Host).take().await.measurement;
    assert_eq!((seen.verdict, seen.said.id), (Verdict::ProbeError, "probe-host-unreadable"));
}

#[tokio::test]
async fn a_pid_file_that_is_gone_is_no_data_and_a_broken_one_is_our_own() {
    let tree = Tree::new();
    let mut probe = tree.probe(HostSubject::PidFile("/run/shop.pid".into()));
    let seen = probe.take().await.measurement;
    assert_eq!((seen.verdict, seen.said.id), (Verdict::NoData, "probe-host-no-pid-file"));
    for broken in ["", "shop\n", "0\n", "-42\n"] {
        tree.write("run/shop.pid", broken);
        let seen = probe.take().await.measurement;
        assert_eq!((seen.verdict, seen.said.id), (Verdict::ProbeError, "probe-host-unreadable"), "{broken:?}");
    }
    tree.write("run/shop.pid", "43\n");
    let seen = probe.take().await.measurement;
    assert_eq!((seen.verdict, seen.said.id), (Verdict::NoData, "probe-host-no-process"));
}

/// This machine itself: a process of ours that is busy, found by the port it listens on.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn this_machine_is_measured() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let own = i32::try_from(std::process::id()).unwrap();
    let root = Path::new("/").to_owned();
    let mut host = HostProbe::new(root.clone(), HostSubject::Host, HostBounds::default());
    let mut by_port = HostProbe::new(root.clone(), HostSubject::Listener(port), HostBounds::default());
    let mut by_pid = HostProbe::new(root, HostSubject::Process(own), HostBounds::default());
    for probe in [&mut host, &mut by_port, &mut by_pid] {
        probe.take().await;
    }
    let began = std::time::Instant::now();
    let mut number = 1_u64;
    while began.elapsed() < std::time::Duration::from_millis(500) {
        number = std::hint::black_box(number.wrapping_mul(6_364_136_223_846_793_005));
    }
    let (host, by_port, by_pid) = (host.take().await, by_port.take().await, by_pid.take().await);
    assert!((0.0..=1.0).contains(&value(&host, "memory_share")), "{host:?}");
    assert!(value(&host, "cpu_share") > 0.0, "{host:?}");
    for seen in [by_port, by_pid] {
        assert!(value(&seen, "cpu_cores") > 0.01, "{seen:?}");
        assert!(value(&seen, "memory_bytes") > 1e6, "{seen:?}");
    }
}
