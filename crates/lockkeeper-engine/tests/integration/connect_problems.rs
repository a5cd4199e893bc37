//! Every way in which a connection fails has a message of its own, and none of them tells a password.

use std::io::Write;
use std::time::{Duration, Instant};

use lockkeeper_core::model::{ExitClass, Problem};
use lockkeeper_engine::postgres::{Host, Secret, SslMode, Target, connect};
use lockkeeper_testkit::{Cluster, Database};

use crate::fake_server::{let_in_and_answer, read_startup, send, send_error, serve, target, unused_port};

/// Connects in vain; the hint lines must name `setting`.
async fn refused(target: &Target, id: &str, setting: &str) -> Box<Problem> {
    let problem = connect(target).await.unwrap_err();
    assert_eq!(problem.message.id, id, "{problem}");
    assert_eq!(problem.exit, ExitClass::Usage);
    assert!(!problem.hints.is_empty(), "{id} has no hint");
    assert!(problem.hints.iter().any(|hint| hint.id.contains(setting)), "{id}: {:?}", problem.hints);
    if let Some(password) = &target.password {
        assert!(!format!("{problem:?} {problem} {target:?}").contains(password.reveal()), "{problem:?}");
    }
    problem
}

fn tcp() -> Target {
    Target { sslmode: SslMode::Disable, ..Cluster::get().server().tcp_target() }
}

#[tokio::test]
async fn nothing_listens() {
    refused(&target(unused_port(), SslMode::Prefer), "connect-refused", "address-settings").await;
}

#[tokio::test]
async fn the_host_is_unknown() {
    let target = Target { host: Host::Tcp("no-such-host.invalid".to_owned()), ..target(5432, SslMode::Prefer) };
    refused(&target, "connect-host-unknown", "host-setting").await;
}

#[tokio::test]
async fn the_server_is_silent() {
    for sslmode in [SslMode::Disable, SslMode::Prefer] {
        let port = serve(|stream| {
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_secs(30));
                drop(stream);
            });
        });
        let target = Target { connect_timeout: Some(Duration::from_millis(300)), ..target(port, sslmode) };
        let start = Instant::now();
        let problem = refused(&target, "connect-timeout", "timeout-setting").await;
        assert!(start.elapsed() < Duration::from_secs(5));
        assert!(problem.message.to_string().contains("seconds=\"0.3\""), "{problem}");
    }
}

#[tokio::test]
async fn there_is_no_socket() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target { host: Host::SocketDir(folder.path().to_owned()), ..target(5432, SslMode::VerifyFull) };
    refused(&target, "connect-socket-missing", "socket-setting").await;
}

#[tokio::test]
async fn a_stale_socket_refuses() {
    let folder = tempfile::tempdir().unwrap();
    drop(std::os::unix::net::UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap());
    let target = Target { host: Host::SocketDir(folder.path().to_owned()), ..target(5432, SslMode::Prefer) };
    refused(&target, "connect-refused", "server-running").await;
}

#[tokio::test]
async fn the_password_is_wrong_or_missing() {
    let wrong = Target { password: Some(Secret::new("hunter2")), ..tcp() };
    let problem = refused(&wrong, "connect-password-wrong", "password-setting").await;
    assert_eq!(problem.server.unwrap().sqlstate, "28P01");
    refused(&Target { password: None, ..tcp() }, "connect-password-missing", "password-setting").await;
    // With scram the server does not tell whether the role exists.
    let nobody = Target { user: "nobody_here".to_owned(), ..wrong };
    refused(&nobody, "connect-password-wrong", "user-setting").await;
}

#[tokio::test]
async fn the_role_or_the_database_is_not_there() {
    let here = Database::create().target().with_database("postgres");
    refused(&Target { user: "nobody_here".to_owned(), ..here.clone() }, "connect-role-missing", "user-setting").await;
    refused(&here.with_database("nowhere"), "connect-database-missing", "database-setting").await;
}

#[tokio::test]
async fn the_role_may_not() {
    let database = Database::create();
    database.execute(
        "CREATE ROLE may_not_log_in; CREATE ROLE may_not_enter LOGIN; CREATE ROLE has_no_slot LOGIN CONNECTION LIMIT 0",
    );
    database.execute(&format!("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", database.name()));
    let role = |user: &str| Target { user: user.to_owned(), ..database.target() };
    refused(&role("may_not_log_in"), "connect-role-refused", "user-setting").await;
    refused(&role("may_not_enter"), "connect-database-denied", "grant-connect").await;
    let elsewhere = role("has_no_slot").with_database("postgres");
    let problem = refused(&elsewhere, "connect-too-many", "too-many").await;
    assert_eq!(problem.server.unwrap().sqlstate, "53300");
    database.execute("DROP ROLE may_not_log_in, may_not_enter, has_no_slot");
}

#[tokio::test]
async fn the_server_is_starting_or_stopping() {
    for sqlstate in ["57P03", "57P01"] {
        let port = serve(move |mut stream| {
            read_startup(&mut stream);
            send_error(&mut stream, sqlstate, "the database system is starting up");
        });
        let problem = refused(&target(port, SslMode::Disable), "connect-server-not-ready", "wait").await;
        assert_eq!(problem.server.unwrap().message, "the database system is starting up");
    }
}

#[tokio::test]
async fn the_server_says_something_else() {
    let port = serve(|mut stream| {
        read_startup(&mut stream);
        send_error(&mut stream, "08P01", "no such database: shop");
    });
    refused(&target(port, SslMode::Disable), "connect-rejected", "server-log").await;
}

#[tokio::test]
async fn the_login_is_of_an_unknown_kind() {
    let port = serve(|mut stream| {
        read_startup(&mut stream);
        send(&mut stream, b'R', &[0, 0, 0, 7]);
    });
    refused(&target(port, SslMode::Disable), "connect-authentication-unsupported", "hba-method").await;
}

#[tokio::test]
async fn the_server_is_too_old() {
    let port = serve(|mut stream| let_in_and_answer(&mut stream, &["130022", "1", "f"]));
    let problem = refused(&target(port, SslMode::Disable), "server-too-old", "upgrade").await;
    assert!(problem.message.to_string().contains("13.22"), "{problem}");
}

#[tokio::test]
async fn the_server_is_no_postgresql() {
    let port = serve(|mut stream| let_in_and_answer(&mut stream, &["unknown", "1", "f"]));
    refused(&target(port, SslMode::Disable), "server-version-unknown", "is-it-postgresql").await;

    let http = || serve(|mut stream| drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")));
    refused(&target(http(), SslMode::Require), "tls-negotiation-failed", "is-it-postgresql").await;
    let problem = connect(&target(http(), SslMode::Disable)).await.unwrap_err();
    assert!(["connect-protocol", "connect-closed-early"].contains(&problem.message.id), "{problem}");
}

#[tokio::test]
async fn the_server_hangs_up() {
    for sslmode in [SslMode::Disable, SslMode::Prefer, SslMode::Require] {
        refused(&target(serve(drop), sslmode), "connect-closed-early", "server-log").await;
    }
}

#[tokio::test]
async fn what_comes_before_the_handshake_is_never_believed() {
    // Somebody in the middle sends `S` and, unencrypted, what looks like a login that succeeded.
    let port = serve(|mut stream| {
        read_startup(&mut stream);
        drop(stream.write_all(b"SR\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"));
        std::thread::sleep(Duration::from_millis(200));
    });
    let problem = connect(&target(port, SslMode::Require)).await.unwrap_err();
    assert_eq!(problem.message.id, "tls-handshake-failed");
}
