//! External commands as sources: what they say, and how they end.

use std::time::Duration;

use lockkeeper_core::health::Counts;
use lockkeeper_core::model::Verdict;
use lockkeeper_engine::probe::{Bound, CommandProbe};
use lockkeeper_engine::process::CommandLine;

use super::http::ids;

fn shell(script: &str) -> CommandLine {
    CommandLine {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        environment: vec![("QUEUE".into(), "7".into())],
        time_limit: Duration::from_secs(10),
    }
}

async fn run(line: CommandLine, bound: Option<&str>) -> (Verdict, Counts, String) {
    let bound = bound.map(|bound| Bound::parse(bound).unwrap());
    let said = CommandProbe::new(line, bound).take().await.measurement;
    (said.verdict, said.counts, said.said.to_string())
}

#[tokio::test]
async fn a_command_answers_in_json() {
    let script = r#"echo "{\"value\": $QUEUE, \"requests\": 20, \"errors\": 1, \"message\": \"queue\"}""#;
    let (verdict, counts, said) = run(shell(script), Some("> 6")).await;
    assert_eq!((verdict, counts), (Verdict::Fail, Counts::new(20, 1).unwrap()), "{said}");
    assert_eq!(run(shell(script), Some("> 7")).await.0, Verdict::Pass);
}

#[tokio::test]
async fn a_command_that_is_broken_is_a_probe_error() {
    let missing = CommandLine { program: "/nowhere/to/be/found".into(), ..shell("") };
    for (line, why) in [
        (missing, "probe-command-not-started"),
        (
            shell("echo '{\"verdict\": \"fail\"}'; echo one >&2; echo two >&2; exit 3"),
            "status=\"3\" stderr=\"one / two\"",
        ),
        (shell("kill -9 $$"), "signal 9"),
        (shell("echo fine"), "probe-command-unreadable"),
        (shell("true"), "probe-command-unreadable"),
        (shell("head -c 70000 /dev/zero"), "probe-command-too-long"),
    ] {
        let (verdict, counts, said) = run(line, None).await;
        assert_eq!((verdict, counts), (Verdict::ProbeError, Counts::NONE), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

#[tokio::test]
async fn much_on_standard_error_stops_nobody() {
    let (verdict, _, said) = run(shell("head -c 1000000 /dev/zero >&2; echo '{\"verdict\": \"pass\"}'"), None).await;
    assert_eq!(verdict, Verdict::Pass, "{said}");
}

/// The grandchild holds the pipe open, and would outlive a kill of the child alone.
#[tokio::test]
async fn at_its_limit_the_whole_group_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {}.new; mv {0}.new {0}; wait", pid_file.display());
    let line = CommandLine { time_limit: Duration::from_millis(700), ..shell(&script) };
    let said = CommandProbe::new(line, None).take().await.measurement;
    assert_eq!(said.verdict, Verdict::ProbeError);
    assert_eq!(ids(&said.said), ["probe-command-timed-out"]);
    let pid = std::fs::read_to_string(&pid_file).unwrap();
    let status = format!("/proc/{}/stat", pid.trim());
    // Killed, it is gone or waits to be reaped by whoever inherits it.
    let is_gone = || std::fs::read_to_string(&status).map_or(true, |stat| stat.contains(") Z "));
    let began = std::time::Instant::now();
    while !is_gone() {
        assert!(began.elapsed() < Duration::from_secs(30), "{status} is still there");
        tokio::task::yield_now().await;
    }
}

/// A process that was left in the background would hold the pipe open beyond the command's own end.
#[tokio::test]
async fn what_a_command_leaves_in_the_background_does_not_pass_its_limit() {
    let line =
        CommandLine { time_limit: Duration::from_millis(500), ..shell("sleep 1000 & echo '{\"verdict\": \"pass\"}'") };
    let (verdict, _, said) = run(line, None).await;
    assert_eq!(verdict, Verdict::ProbeError, "{said}");
}
