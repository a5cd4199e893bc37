//! What an open connection can do.

use lockkeeper_engine::postgres::{Passfile, SslMode, Target, connect};
use lockkeeper_testkit::{Cluster, Database};

fn password_target(user: &str) -> Target {
    let server = Cluster::get().server();
    Target { user: user.to_owned(), sslmode: SslMode::Disable, password: None, ..server.tcp_target() }
}

/// The server takes a moment to end a session.
async fn wait_until_zero(database: &Database, sql: &str) {
    for _ in 0..500 {
        if database.value(sql) == "0" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{sql} stays {}", database.value(sql));
}

#[tokio::test]
async fn a_connection_knows_its_server() {
    let database = Database::create();
    let connection = connect(&database.target()).await.unwrap();
    let row = connection.client().query_one(
        "SELECT current_setting('server_version_num')::int, pg_backend_pid(), application_name, current_setting('client_encoding')
         FROM pg_stat_activity WHERE pid = pg_backend_pid()",
        &[],
    );
    let row = row.await.unwrap();
    assert_eq!(connection.version().major() * 10_000 + connection.version().minor(), row.get::<_, i32>(0));
    assert_eq!(connection.backend_pid(), row.get::<_, i32>(1));
    assert_eq!(row.get::<_, &str>(2), "lockkeeper");
    assert_eq!(row.get::<_, &str>(3), "UTF8");
    assert!(!connection.is_encrypted() && !connection.is_verified() && !connection.is_standby());
    assert!(!connection.is_closed());
    let pid = connection.backend_pid();
    connection.close().await;
    let session = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}");
    wait_until_zero(&database, &session).await;
}

#[tokio::test]
async fn the_application_name_can_be_chosen() {
    let target =
        Target { application_name: "deploy-42".to_owned(), ..Database::create().target().with_database("postgres") };
    let connection = connect(&target).await.unwrap();
    let row = connection.client().query_one("SHOW application_name", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "deploy-42");
}

#[tokio::test]
async fn notices_are_there_once_the_statement_is_done() {
    let database = Database::create();
    let connection = connect(&database.target()).await.unwrap();
    let sql = "DO $$ BEGIN RAISE NOTICE 'one' USING HINT = 'look'; RAISE WARNING 'two'; END $$";
    connection.client().batch_execute(sql).await.unwrap();
    let notices = connection.take_notices();
    let shown: Vec<_> = notices.iter().map(|notice| (notice.severity.as_str(), notice.message.as_str())).collect();
    assert_eq!(shown, [("NOTICE", "one"), ("WARNING", "two")]);
    assert_eq!(notices[0].hint.as_deref(), Some("look"));
    assert!(connection.take_notices().is_empty());
}

#[tokio::test]
async fn a_running_statement_can_be_cancelled() {
    let database = Database::create();
    let connection = connect(&database.target()).await.unwrap();
    let canceller = connection.canceller();
    let cancelling = async {
        // Cancelling before the statement begins would cancel nothing, so it is asked for until it is done.
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            canceller.cancel().await.unwrap();
        }
    };
    let sleeping = connection.client().batch_execute("SELECT pg_sleep(60)");
    let error = tokio::select! {
        slept = sleeping => slept.unwrap_err(),
        () = cancelling => unreachable!("it never ends"),
    };
    assert_eq!(error.code().map(tokio_postgres::error::SqlState::code), Some("57014"));
    connection.client().batch_execute("SELECT 1").await.unwrap();
}

#[tokio::test]
async fn a_connection_that_was_ended_says_why() {
    let database = Database::create();
    let connection = connect(&database.target()).await.unwrap();
    database.execute(&format!("SELECT pg_terminate_backend({})", connection.backend_pid()));
    for _ in 0..200 {
        if connection.is_closed() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(connection.is_closed());
    assert_eq!(connection.farewell().map(|report| report.sqlstate).as_deref(), Some("57P01"));
    assert!(connection.client().batch_execute("SELECT 1").await.is_err());
}

#[tokio::test]
async fn dropping_a_connection_ends_its_session_and_its_transaction() {
    let database = Database::create();
    let connection = connect(&database.target()).await.unwrap();
    let pid = connection.backend_pid();
    connection.client().batch_execute("BEGIN; CREATE TABLE boat (id int)").await.unwrap();
    drop(connection);
    wait_until_zero(&database, &format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}")).await;
    assert_eq!(database.value("SELECT count(*) FROM pg_class WHERE relname = 'boat'"), "0");
}

#[tokio::test]
async fn a_password_from_the_password_file_is_accepted() {
    let database = Database::create();
    database.execute("DROP ROLE IF EXISTS passfile; CREATE ROLE passfile LOGIN PASSWORD 'p:\\w'");
    let mut target = password_target("passfile");
    assert_eq!(connect(&target).await.unwrap_err().message.id, "connect-password-missing");
    let passfile = Passfile::parse(&format!("127.0.0.1:{}:*:passfile:p\\:\\\\w\n", target.port));
    target.password = passfile.password_for(&target.host, target.port, &target.database, &target.user).cloned();
    let connection = connect(&target).await.unwrap();
    let row = connection.client().query_one("SELECT current_user::text", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "passfile");
    connection.close().await;
    database.execute("DROP ROLE passfile");
}

#[tokio::test]
async fn each_address_of_a_name_is_tried() {
    // The private server listens on 127.0.0.1 only, and `localhost` is often ::1 first.
    let mut target = Cluster::get().server().tcp_target();
    target.host = lockkeeper_engine::postgres::Host::Tcp("localhost".to_owned());
    assert!(connect(&target).await.is_ok());
}
