//! What a watcher costs, and how exact its probes are.
//!
//! `cargo bench -p lockkeeper --bench watch` watches twenty local HTTP services, each once a second, and says how much
//! of a core and how much memory the watcher took; then it probes a server that sleeps a known time. It fails where a
//! watcher takes more than 1 % of a core or 50 MB, or where a probe's median error is 1 ms or more. Linux only.
//!
//! | variable | | default |
//! | --- | --- | --- |
//! | `WATCH_S` | seconds that are measured | 60 |
//! | `WATCH_PROBES` | probes of the server that sleeps | 200 |

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;

use lockkeeper_engine::http::{HttpRequest, Url};
use lockkeeper_engine::probe::{HttpExpectation, HttpProbe};
use lockkeeper_testkit::{Database, FaultyHttp, HttpAnswer, Project};

const CHECKS: usize = 20;
const CORE_SHARE_MAX: f64 = 0.01;
const MEMORY_KB_MAX: u64 = 50 * 1024;
const ERROR_MS_MAX: f64 = 1.0;
/// Until the ledger is made, and everything has been asked once.
const SETTLES: Duration = Duration::from_secs(5);

fn main() {
    let watched = Duration::from_secs(number("WATCH_S", 60));
    let (share, memory_kb) = load(watched);
    println!(
        "{CHECKS} checks a second for {} s: {:.2} % of a core, at most {memory_kb} kB",
        watched.as_secs(),
        share * 100.0
    );
    let errors = timing_errors(number("WATCH_PROBES", 200));
    let at = |part: f64| errors[position(errors.len(), part)];
    println!(
        "{} probes are off by {:.3} ms (median), {:.3} ms (99 %), {:.3} ms (the worst)",
        errors.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    assert!(share < CORE_SHARE_MAX, "more than 1 % of a core");
    assert!(memory_kb < MEMORY_KB_MAX, "more than 50 MB");
    assert!(at(0.5) < ERROR_MS_MAX, "an error of 1 ms or more");
}

/// The share of a core that a watcher takes, and its memory at its highest.
fn load(lasts: Duration) -> (f64, u64) {
    let database = Database::create();
    let servers: Vec<FaultyHttp> = (0..CHECKS).map(|_| FaultyHttp::start(HttpAnswer::text("well"))).collect();
    let project = Project::new(env!("CARGO_BIN_EXE_lockkeeper")).with_env(database.env());
    let mut checks = String::new();
    for (place, server) in servers.iter().enumerate() {
        let url = server.url("/healthz");
        // A string takes everything.
        let _ = writeln!(checks, "\n[[health.http]]\nname = \"service-{place}\"\nurl = \"{url}\"\nevery = \"1s\"");
    }
    std::fs::write(project.path().join("lockkeeper.toml"), checks).unwrap_or_else(|error| panic!("{error}"));
    let mut command = project.command(["health", "start", "--metrics-listen", "127.0.0.1:0"]);
    let mut watcher =
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap_or_else(|error| panic!("{error}"));
    std::thread::sleep(SETTLES);
    let asked = || servers.iter().map(FaultyHttp::connections).sum::<usize>();
    let (before, asked_before) = (cpu_seconds(watcher.id()), asked());
    std::thread::sleep(lasts);
    let (after, asked_after) = (cpu_seconds(watcher.id()), asked());
    let memory = memory_kb(watcher.id());
    // It is ours, and nobody waits for what it would still write.
    let _ = watcher.kill();
    let _ = watcher.wait();
    let expected = usize::try_from(lasts.as_secs()).unwrap_or(0) * CHECKS;
    assert!(asked_after - asked_before >= expected * 9 / 10, "only {} checks were made", asked_after - asked_before);
    ((after - before) / lasts.as_secs_f64(), memory)
}

/// What the system has counted of a process, all of its threads, in its own and in the kernel's code.
fn cpu_seconds(pid: u32) -> f64 {
    // The scheduler's own count: ticks of 10 ms would be too coarse for so little.
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap_or_else(|error| panic!("Linux only: {error}"));
    let nanoseconds = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.split_whitespace().next().and_then(|first| first.parse::<f64>().ok()).unwrap_or(0.0)
    };
    tasks.flatten().map(|task| nanoseconds(task.path().join("schedstat"))).sum::<f64>() / 1e9
}

fn memory_kb(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()).and_then(|kb| kb.parse().ok()).unwrap_or(u64::MAX)
}

/// How far probes are from the truth, in milliseconds, sorted: against what the server says that it slept.
fn timing_errors(probes: u64) -> Vec<f64> {
    let server = FaultyHttp::start(HttpAnswer::After(Duration::from_millis(20), "slept".to_owned()));
    let url = Url::parse(&server.url("/")).unwrap_or_else(|_| panic!("it is a URL"));
    let mut probe = HttpProbe::new(HttpRequest::get(url), HttpExpectation::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
    let mut measured = Vec::new();
    for _ in 0..probes {
        let taken = runtime.block_on(probe.take());
        let reading = taken.readings.iter().find(|reading| reading.name == "first_byte_ms");
        measured.push(reading.and_then(|reading| reading.value.clone().ok()).unwrap_or(f64::INFINITY));
    }
    let slept = server.slept();
    assert_eq!(slept.len(), measured.len(), "the server answered every probe");
    let mut errors: Vec<f64> =
        measured.iter().zip(slept).map(|(measured, slept)| (measured - slept.as_secs_f64() * 1000.0).abs()).collect();
    errors.sort_by(f64::total_cmp);
    errors
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a place in a list"
)]
fn position(length: usize, part: f64) -> usize {
    ((length - 1) as f64 * part).round() as usize
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
