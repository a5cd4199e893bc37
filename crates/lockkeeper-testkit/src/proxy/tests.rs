//! That the proxy does to a client what it says, and to the server no more.

use std::process::{Child, Command};

use lockkeeper_engine::postgres::{Connection, Host, SslMode, connect};
use tokio::runtime::Runtime;

use super::*;
use crate::Database;

/// A client on a runtime of its own, through the proxy.
struct Client {
    connection: Connection,
    runtime: Runtime,
}

fn client(proxy: &Proxy) -> Client {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (host, port, sslmode) = (Host::Tcp("127.0.0.1".to_owned()), proxy.port, SslMode::Disable);
    let target = Target { host, port, sslmode, ..proxy.target.clone() };
    let connection = runtime.block_on(connect(&target)).unwrap();
    Client { connection, runtime }
}

impl Client {
    /// `Ok`, a SQLSTATE, or `lost`.
    fn run(&self, sql: &str) -> String {
        told(self.runtime.block_on(self.connection.client().batch_execute(sql)))
    }

    fn insert(&self, id: i32) -> String {
        let types = [(&id as &(dyn tokio_postgres::types::ToSql + Sync), tokio_postgres::types::Type::INT4)];
        told(self.runtime.block_on(self.connection.client().query_typed("INSERT INTO boats VALUES ($1)", &types)))
    }
}

fn told<T>(result: Result<T, tokio_postgres::Error>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.as_db_error().map_or("lost".to_owned(), |error| error.code().code().to_owned()),
    }
}

/// Connecting asks the server a few things; the effects of a test are counted behind those.
fn start(at: usize, fault: Fault) -> (Database, Proxy) {
    let database = Database::create();
    database.execute("CREATE TABLE boats (id int)");
    let first = Proxy::start(&database.target(), None);
    drop(client(&first));
    let opening = first.effects().len();
    let proxy = Proxy::start(&database.target(), Some((opening + at, fault)));
    (database, proxy)
}

fn boats(database: &Database) -> String {
    database.value("SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), 'none') FROM boats")
}

#[track_caller]
fn ends(child: &mut Child) {
    use std::os::unix::process::ExitStatusExt;
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn without_a_fault_everything_passes_and_both_protocols_count() {
    let (database, proxy) = start(100, Fault::Cut);
    let client = client(&proxy);
    let before = proxy.effects().len();
    assert_eq!((client.run("INSERT INTO boats VALUES (1)"), client.insert(2)), ("ok".to_owned(), "ok".to_owned()));
    assert_eq!(client.run("INSERT INTO ships VALUES (1)"), "42P01");
    let effects = proxy.effects();
    assert_eq!(
        effects[before..],
        ["INSERT INTO boats VALUES (1)", "INSERT INTO boats VALUES ($1)", "INSERT INTO ships VALUES (1)"]
    );
    assert_eq!((boats(&database).as_str(), proxy.has_fired()), ("1 2", false));
}

#[test]
fn a_cancel_request_passes() {
    let (database, proxy) = start(100, Fault::Cut);
    let client = client(&proxy);
    let sleeps = client.connection.client().batch_execute("SELECT pg_sleep(30)");
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    let cancels = async {
        // A request that overtakes its statement cancels nothing.
        while database.value(asleep) != "1" {
            tokio::task::yield_now().await;
        }
        client.connection.canceller().cancel().await
    };
    let both = async { tokio::join!(biased; sleeps, cancels).0 };
    assert_eq!(told(client.runtime.block_on(both)), "57014");
}

#[test]
fn a_cut_message_has_no_effect() {
    for extended in [false, true] {
        let (database, proxy) = start(2, Fault::Cut);
        let client = client(&proxy);
        assert_eq!(client.run("INSERT INTO boats VALUES (1)"), "ok");
        assert_eq!(if extended { client.insert(2) } else { client.run("INSERT INTO boats VALUES (2)") }, "lost");
        assert_eq!((boats(&database).as_str(), proxy.has_fired()), ("1", true));
    }
}

#[test]
fn a_lost_reply_has_its_effect_and_what_was_sent_behind_it_has_none() {
    for extended in [false, true] {
        let (database, proxy) = start(1, Fault::LoseReply);
        let client = client(&proxy);
        let first = async {
            if extended {
                let value: &(dyn tokio_postgres::types::ToSql + Sync) = &1;
                let types = [(value, tokio_postgres::types::Type::INT4)];
                told(client.connection.client().query_typed("INSERT INTO boats VALUES ($1)", &types).await)
            } else {
                told(client.connection.client().batch_execute("INSERT INTO boats VALUES (1)").await)
            }
        };
        let second = client.connection.client().batch_execute("INSERT INTO boats VALUES (2)");
        let both = client.runtime.block_on(async { tokio::join!(biased; first, second) });
        assert_eq!((both.0.as_str(), told(both.1).as_str()), ("lost", "lost"));
        assert_eq!((boats(&database).as_str(), proxy.has_fired()), ("1", true));
    }
}

#[test]
fn a_statement_that_is_made_to_fail_fails_on_the_server_and_breaks_its_transaction() {
    let (database, proxy) = start(3, Fault::Fail(Fault::DISK_FULL));
    let client = client(&proxy);
    assert_eq!(client.run("BEGIN"), "ok");
    assert_eq!(client.insert(1), "ok");
    assert_eq!(client.run("INSERT INTO boats VALUES (2)"), Fault::DISK_FULL);
    assert_eq!(client.run("SELECT 1"), "25P02");
    assert_eq!(client.run("ROLLBACK"), "ok");
    assert_eq!(client.insert(3), "ok");
    assert_eq!(boats(&database), "3");
    let (database, proxy) = start(1, Fault::Fail(Fault::DISK_FULL));
    let client = self::client(&proxy);
    assert_eq!((client.insert(1).as_str(), client.insert(2).as_str()), ("42601", "ok"));
    assert_eq!(boats(&database), "2");
}

#[test]
fn a_rollback_is_never_made_to_fail() {
    let (_database, proxy) = start(2, Fault::Fail(Fault::DISK_FULL));
    let client = client(&proxy);
    assert_eq!([client.run("BEGIN"), client.run("ROLLBACK")], ["ok", "ok"]);
    assert!(proxy.has_fired());
}

#[test]
fn the_program_is_killed_before_or_behind_the_message() {
    for (fault, left) in [(Fault::KillBefore, "none"), (Fault::KillAfter, "1")] {
        let (database, proxy) = start(1, fault);
        let client = client(&proxy);
        let mut program = Command::new("sleep").arg("60").spawn().unwrap();
        proxy.client(program.id());
        assert_eq!(client.run("INSERT INTO boats VALUES (1)"), "lost");
        ends(&mut program);
        let gone =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        while database.value(gone) != "0" {
            std::thread::yield_now();
        }
        assert_eq!(boats(&database), left);
    }
}

#[test]
fn a_call_happens_before_the_message() {
    let database = Database::create();
    database.execute("CREATE TABLE boats (id int)");
    let target = database.target();
    let hook = move || crate::execute(&target, "INSERT INTO boats VALUES (7)");
    let proxy = Proxy::start(&database.target(), Some((1, Fault::Call(Box::new(hook)))));
    let client = client(&proxy);
    assert_eq!(client.run("UPDATE boats SET id = id + 1"), "ok");
    assert_eq!((boats(&database).as_str(), proxy.has_fired()), ("8", true));
}
