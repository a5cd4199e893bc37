//! A driver that is killed at any moment, and a database that restarts in any state.

use std::time::Duration;

use lockkeeper_engine::postgres::{PrivateServer, PrivateServerOptions};
use lockkeeper_testkit::Cluster;

use super::Release;

/// Killed after so many milliseconds: the whole journey takes about a second, so that these fall between all of its
/// tasks and into them.
const MOMENTS: [u64; 12] = [60, 120, 180, 240, 300, 370, 440, 520, 620, 750, 950, 1_300];

/// Goes on until the release waits for its approval or is over, as a pipeline would that is run again.
fn resume(release: &Release) -> i32 {
    for _ in 0..5 {
        release.expire();
        let run = if release.state() == "none" { release.start("2") } else { release.resume() };
        match run.code {
            // Nothing was begun when the process died.
            Some(0) => return 0,
            Some(1) if run.error()["id"] == "journey-nothing" => {}
            Some(code) => return code,
            None => panic!("{run}"),
        }
    }
    panic!("it never goes on");
}

#[test]
fn killed_at_any_moment_it_is_resumed_to_the_same_end() {
    for moment in MOMENTS {
        let mut release = Release::unwatched(None, "");
        let first = release.begin("2");
        std::thread::sleep(Duration::from_millis(moment));
        first.signal("KILL");
        drop(first);
        if release.shop.has_ledger() {
            resume(&release);
        } else {
            release.start("2").expect(0);
        }
        assert_eq!(release.state(), "awaiting_approval", "killed after {moment} ms");
        assert_eq!((release.version().as_str(), release.columns().as_str()), ("2", "full_name id name"));
        assert_eq!(release.deploy_keys().len(), 1, "one key however often it is asked: {:?}", release.calls());
        release.approve();
        let second = release.shop.start("release resume");
        std::thread::sleep(Duration::from_millis(moment / 2));
        second.signal("KILL");
        drop(second);
        if release.state() != "completed" {
            resume(&release);
        }
        assert_eq!((release.state().as_str(), release.columns().as_str()), ("completed", "full_name id"));
        let applied = release.shop.count("lockkeeper.migrations WHERE state = 'applied'");
        assert_eq!(applied, 2, "killed after {moment} ms");
        release.shop.run("log --verify").expect(0);
        let seen = release.seen();
        assert!(seen.failures.is_empty(), "killed after {moment} ms: {seen:?}");
    }
}

#[test]
fn a_database_that_restarts_is_waited_for() {
    let options = PrivateServerOptions { binaries: Cluster::binaries_wanted(), ..PrivateServerOptions::default() };
    let mut server = PrivateServer::start(&options).unwrap();
    for state in ["deploying", "contracting"] {
        // The hooks take long enough for a restart in the middle of them.
        let release = Release::unwatched(Some(&server), "[hooks.wait_deployed]\nrun = \"sleep 1\"\n");
        if state == "deploying" {
            let driven = release.begin("2");
            release.wait_for(state);
            server.restart().unwrap();
            driven.wait().expect(0);
            assert_eq!(release.state(), "awaiting_approval");
        } else {
            release.start("2").expect(0);
            release.approve();
            let held = release.shop.database.session();
            held.execute("BEGIN; SELECT count(*) FROM customers");
            let driven = release.shop.start("release resume");
            // Stage 2 waits for that reader when the server goes away under it.
            std::thread::sleep(Duration::from_millis(700));
            server.restart().unwrap();
            drop(held);
            driven.wait().expect(0);
            assert_eq!((release.state().as_str(), release.columns().as_str()), ("completed", "full_name id"));
        }
    }
}
