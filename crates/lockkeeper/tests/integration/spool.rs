//! Events that could not reach the ledger when they happened.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use lockkeeper_testkit::{Fault, Proxy};

use crate::shop::{Running, Shop, wait_until};

/// A migration that sleeps for so long behind one that does not.
fn slow() -> Shop {
    let shop = Shop::open();
    shop.pair("01_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
    shop.pair("02_create_b", "CREATE TABLE b (id int);\nSELECT pg_sleep(60);", "DROP TABLE b");
    shop
}

/// Starts stage 1 and ends its server process while the migration sleeps: the failure cannot be logged.
fn cut_off(shop: &Shop) {
    let running = shop.start("stage1");
    cut(shop, running);
}

fn cut(shop: &Shop, running: Running) {
    let asleep = "pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    wait_until("it sleeps", || shop.count(asleep) == 1);
    shop.database.execute(&format!("SELECT pg_terminate_backend(pid) FROM {asleep}"));
    running.wait_for(Duration::from_secs(10)).expect(3);
    shop.database.execute("UPDATE lockkeeper.lease SET expires_at = '-infinity'");
}

/// The files that wait.
fn files(shop: &Shop) -> Vec<PathBuf> {
    if !shop.has_ledger() {
        return Vec::new();
    }
    let ledger = shop.database.value("SELECT ledger_id FROM lockkeeper.identity");
    let folder = shop.project.path().join(".local/state/lockkeeper/spool").join(ledger);
    let mut files: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn failures(shop: &Shop) -> Vec<String> {
    let rows = shop.database.query("SELECT payload FROM lockkeeper.events WHERE kind LIKE '%_failed' ORDER BY seq");
    rows.into_iter().map(|row| row[0].clone()).collect()
}

#[test]
fn a_failure_that_could_not_be_logged_waits_is_told_and_is_logged_by_the_next_command() {
    let shop = slow();
    cut_off(&shop);
    let waiting = files(&shop);
    assert_eq!((waiting.len(), failures(&shop)), (1, vec![]));
    assert_eq!(std::fs::metadata(&waiting[0]).unwrap().permissions().mode() & 0o777, 0o600);
    // Reading tells of it, and delivers nothing.
    assert_eq!(shop.run("status").expect(0).json()["events_waiting"], 1);
    shop.say("log").expect(0).says(&["one event waits on this machine for the next command that writes"]);
    assert_eq!((files(&shop), failures(&shop)), (waiting, vec![]));
    shop.pair("02_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
    shop.say("stage1").expect(0).says(&["one event that had waited on this machine: logged now"]);
    assert_eq!((files(&shop), shop.applied()), (vec![], vec![1, 2]));
    let logged = failures(&shop);
    assert_eq!(logged.len(), 1);
    assert!(logged[0].contains("\"number\":2") && logged[0].contains("observed_at"), "{logged:?}");
    // Before what the delivering command itself did.
    let kinds = shop.events();
    let place = |kind: &str| kinds.iter().rposition(|it| it == kind).unwrap();
    assert!(place("migration_failed") < place("migration_applied"), "{kinds:?}");
    assert_eq!(shop.run("status").expect(0).json()["events_waiting"], 0);
    shop.run("log --verify").expect(0);
}

#[test]
fn several_are_delivered_in_the_order_in_which_they_happened() {
    let shop = slow();
    shop.project.write("lockkeeper.toml", "[limits]\nlock_attempts = 1\n");
    for _ in 0..3 {
        // What waits would be delivered by the next run, so it is kept away from it.
        let kept = files(&shop);
        for (at, file) in kept.iter().enumerate() {
            std::fs::rename(file, shop.project.path().join(format!("{at}-{}", name(file)))).unwrap();
        }
        cut_off(&shop);
        let folder = files(&shop)[0].parent().unwrap().to_owned();
        for (at, file) in kept.iter().enumerate() {
            std::fs::rename(shop.project.path().join(format!("{at}-{}", name(file))), folder.join(name(file))).unwrap();
        }
    }
    let observed: Vec<i64> = files(&shop).iter().map(|file| name(file)[..20].parse().unwrap()).collect();
    assert_eq!(observed.len(), 3);
    shop.run("deployed").expect(1);
    assert_eq!((files(&shop).len(), failures(&shop).len()), (0, 3));
    let times: Vec<_> =
        failures(&shop).iter().map(|payload| payload.split("observed_at").nth(1).unwrap().to_owned()).collect();
    assert!(times.is_sorted(), "{times:?}");
}

fn name(file: &std::path::Path) -> String {
    file.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_delivery_that_was_cut_off_after_it_was_committed_is_not_repeated() {
    let shop = slow();
    cut_off(&shop);
    let file = files(&shop).remove(0);
    let text = std::fs::read_to_string(&file).unwrap();
    shop.pair("02_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
    shop.run("stage1").expect(0);
    assert_eq!(failures(&shop).len(), 1);
    // Killed between the commit and the removal of the file, this is what it left.
    std::fs::write(&file, text).unwrap();
    shop.pair("03_create_c", "CREATE TABLE c (id int)", "DROP TABLE c");
    shop.run("stage1").expect(0);
    assert_eq!((files(&shop), failures(&shop).len()), (vec![], 1));
    shop.run("log --verify").expect(0);
}

#[test]
fn a_delivery_that_cannot_be_made_goes_on_waiting() {
    let shop = slow();
    cut_off(&shop);
    shop.database.execute("ALTER TABLE lockkeeper.observations ADD CONSTRAINT never CHECK (false) NOT VALID");
    shop.pair("02_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
    shop.run("stage1").expect(0);
    assert_eq!((files(&shop).len(), failures(&shop).len()), (1, 0));
    shop.database.execute("ALTER TABLE lockkeeper.observations DROP CONSTRAINT never");
    shop.pair("03_create_c", "CREATE TABLE c (id int)", "DROP TABLE c");
    shop.run("stage1").expect(0);
    assert_eq!((files(&shop).len(), failures(&shop).len()), (0, 1));
}

#[test]
fn a_file_that_somebody_spoiled_stops_nothing_and_stays() {
    let shop = slow();
    cut_off(&shop);
    std::fs::write(files(&shop)[0].with_file_name("00000000000000000000-x.json"), "{ \"id\": ").unwrap();
    shop.pair("02_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
    shop.run("stage1").expect(0);
    assert_eq!((files(&shop).len(), failures(&shop).len()), (1, 1));
    assert_eq!(shop.run("status").expect(0).json()["events_waiting"], 1);
}

#[test]
fn what_belongs_to_another_ledger_is_left_for_it() {
    let shop = slow();
    cut_off(&shop);
    let other = Shop::open();
    other.pair("01_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
    let mut command = other.command("stage1");
    command.env("HOME", shop.project.path());
    Shop::finish(command).expect(0);
    assert_eq!((files(&shop).len(), failures(&other).len()), (1, 0));
}

#[test]
fn a_failed_way_back_is_logged_too() {
    let shop = Shop::open();
    shop.pair("01_create_a", "CREATE TABLE a (id int)", "SELECT pg_sleep(60); DROP TABLE a");
    shop.run("stage1").expect(0);
    let running = shop.start("rollback before_schema_add --yes");
    cut(&shop, running);
    assert_eq!(files(&shop).len(), 1);
    shop.file("01_create_a_down.sql", "DROP TABLE no_such_table");
    shop.run("rollback before_schema_add --yes --down-from-files").expect(3);
    let logged = failures(&shop);
    assert_eq!((logged.len(), files(&shop).len()), (2, 0));
    assert!(logged[0].contains("observed_at") && logged[1].contains("42P01"), "{logged:?}");
    assert!(shop.events().contains(&"undo_failed".to_owned()));
}

#[test]
fn the_state_folder_of_the_person_is_used_when_there_is_one() {
    let shop = slow();
    let state = shop.project.path().join("state");
    let mut command = shop.command("--json stage1");
    command.env("XDG_STATE_HOME", &state);
    cut(&shop, Running::start(command));
    assert_eq!((files(&shop).len(), std::fs::read_dir(state.join("lockkeeper/spool")).unwrap().count()), (0, 1));
}

/// The connection is cut at each effect of a run that fails, before it reaches the server and behind it; whatever is
/// noted of the failure is in the log once when the next run has ended, and nothing waits any more.
#[test]
fn cut_at_any_point_a_failure_is_logged_once() {
    for lost in [(|| Fault::Cut) as fn() -> Fault, || Fault::LoseReply] {
        let mut noted = 0;
        for at in 1.. {
            let shop = Shop::open();
            shop.pair("01_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
            shop.pair("02_create_b", "CREATE TABLE b (id no_such_type)", "DROP TABLE b");
            let proxy = Proxy::start(&shop.database.target(), Some((at, lost())));
            let mut command = shop.command("--json stage1");
            command.envs(proxy.env());
            let run = Shop::finish(command);
            let (has_fired, effects) = (proxy.has_fired(), proxy.effects());
            drop(proxy);
            if !has_fired {
                run.refused(3, "migration-failed");
                break;
            }
            if shop.has_ledger() {
                let sessions = "pg_stat_activity WHERE datname = current_database() AND application_name = 'lockkeeper' \
                                AND pid <> pg_backend_pid()";
                wait_until("the server has noticed", || shop.count(sessions) == 0);
                shop.database.execute("UPDATE lockkeeper.lease SET expires_at = '-infinity'");
            }
            shop.pair("02_create_b", "CREATE TABLE b (id int)", "DROP TABLE b");
            shop.run("stage1").expect(0);
            let place = format!("cut at {at} ({:?}): {run}", effects.get(at - 1));
            assert_eq!(files(&shop).len(), 0, "{place}");
            assert!(failures(&shop).len() <= 1, "{:?} {place}", failures(&shop));
            // Whatever a migration ended with, the log tells of it.
            if run.code == Some(3) && run.stderr.contains("failed:") && run.stderr.contains("applied in this run") {
                assert_eq!(failures(&shop).len(), 1, "{place}");
                noted += 1;
            }
            shop.run("log --verify").expect(0);
            shop.run("status").expect(0);
        }
        assert!(noted > 2, "{noted}");
    }
}
