//! What can be wrong with the files that TLS needs, on our side and on the server's.

use std::path::PathBuf;

use lockkeeper_core::model::{ExitClass, Problem};
use lockkeeper_engine::postgres::{RootCert, SslMode, Target, connect};

use crate::psql::{compare, ours, theirs};
use crate::tls::{TlsServer, start_with, target_for, tls_server};
use lockkeeper_testkit::certificates::{Authority, Files};

async fn refused(target: &Target, id: &str, setting: &str) -> Box<Problem> {
    let problem = connect(target).await.unwrap_err();
    assert_eq!(problem.message.id, id, "{problem}");
    assert_eq!(problem.exit, ExitClass::Usage);
    assert!(problem.hints.iter().any(|hint| hint.id.contains(setting)), "{id}: {:?}", problem.hints);
    problem
}

fn target(sslmode: SslMode) -> Target {
    target_for(&tls_server().server, "anybody", sslmode)
}

#[tokio::test]
async fn the_root_file_is_missing_broken_or_empty() {
    let files = Files::default();
    let with = |path: PathBuf| Target { sslrootcert: Some(RootCert::File(path)), ..target(SslMode::VerifyFull) };
    let missing = refused(&with(files.path().join("missing.crt")), "tls-root-missing", "root-setting").await;
    assert!(missing.message.to_string().contains("missing.crt"));
    refused(&with(files.write("empty.crt", "", 0o644)), "tls-root-without-certificate", "root-setting").await;
    refused(&with(files.path().to_owned()), "tls-root-unreadable", "root-setting").await;
    let broken = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
    refused(&with(files.write("broken.crt", broken, 0o644)), "tls-root-unreadable", "root-setting").await;
    refused(&target(SslMode::VerifyCa), "tls-root-missing", "root-system").await;
    let homeless = Target { certificates_dir: None, ..target(SslMode::VerifyCa) };
    refused(&homeless, "tls-root-unnamed", "root-setting").await;
}

#[tokio::test]
async fn the_systems_roots_need_the_strictest_mode() {
    for sslmode in [SslMode::Prefer, SslMode::Require, SslMode::VerifyCa] {
        let target = Target { sslrootcert: Some(RootCert::System), ..target(sslmode) };
        if sslmode != SslMode::Prefer {
            refused(&target, "tls-system-needs-verify-full", "verify-full").await;
        }
    }
    let target = Target { sslrootcert: Some(RootCert::System), ..target(SslMode::VerifyFull) };
    // Our authority is unknown to the system, if the system knows any.
    let problem = connect(&target).await.unwrap_err();
    assert!(["tls-issuer-unknown", "tls-system-roots-missing"].contains(&problem.message.id), "{problem}");
}

#[tokio::test]
async fn a_wrong_name_tells_the_right_ones() {
    let authority = Authority::new("Shop CA");
    let files = Files::default();
    let root = files.write("root.crt", &authority.pem(), 0o644);
    let server = start_with(&authority.issue("db", &["db.example.com", "10.0.0.1"]), &authority.pem());
    let target =
        Target { sslrootcert: Some(RootCert::File(root)), ..target_for(&server, "anybody", SslMode::VerifyFull) };
    let problem = refused(&target, "tls-name-mismatch", "host-setting").await;
    assert!(problem.message.to_string().contains("names=\"db.example.com, 10.0.0.1\""), "{problem}");
}

#[tokio::test]
async fn a_client_certificate_opens_the_door() {
    let TlsServer { server, authority, .. } = tls_server();
    let files = Files::default();
    let right = authority.issue("with_cert", &[]);
    let stranger = Authority::new("Other CA").issue("with_cert", &[]);
    let other_role = authority.issue("somebody_else", &[]);
    let certificate = files.write("right.crt", &right.certificate, 0o644);
    let key = files.write("right.key", &right.key, 0o600);
    let with = |certificate: &PathBuf, key: &PathBuf| Target {
        sslcert: Some(certificate.clone()),
        sslkey: Some(key.clone()),
        ..target_for(server, "with_cert", SslMode::Require)
    };
    let check =
        async |target: &Target, what: &str| compare(ours(target).await, &theirs(target, server.binaries()), what);
    let refused_as = |id: &str| Err(id.to_owned());

    assert_eq!(check(&with(&certificate, &key), "right").await, Ok(true));
    let none = target_for(server, "with_cert", SslMode::Require);
    assert_eq!(check(&none, "none").await, refused_as("connect-client-certificate-wanted"));
    let (crt, private) =
        (files.write("s.crt", &stranger.certificate, 0o644), files.write("s.key", &stranger.key, 0o600));
    assert_eq!(check(&with(&crt, &private), "stranger").await, refused_as("tls-client-certificate-refused"));
    let (crt, private) =
        (files.write("o.crt", &other_role.certificate, 0o644), files.write("o.key", &other_role.key, 0o600));
    assert_eq!(check(&with(&crt, &private), "other role").await, refused_as("connect-authentication-failed"));

    let open = files.write("open.key", &right.key, 0o644);
    assert_eq!(check(&with(&certificate, &open), "open key").await, refused_as("tls-client-key-permissions"));
    let missing = files.path().join("missing.key");
    assert_eq!(check(&with(&certificate, &missing), "missing key").await, refused_as("tls-client-key-missing"));
    assert_eq!(check(&with(&certificate, &private), "another's key").await, refused_as("tls-client-pair-mismatched"));
    let no_key = files.write("no.key", "nothing", 0o600);
    assert_eq!(check(&with(&certificate, &no_key), "no key").await, refused_as("tls-client-key-unreadable"));
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let locked = files.write("locked.key", locked, 0o600);
    refused(&with(&certificate, &locked), "tls-client-key-encrypted", "decrypt").await;
    let no_certificate = files.write("no.crt", "nothing", 0o600);
    assert_eq!(
        check(&with(&no_certificate, &key), "no certificate").await,
        refused_as("tls-client-certificate-unreadable")
    );
    // libpq goes on without a certificate that was named and is not there; we say so instead.
    refused(&with(&files.path().join("missing.crt"), &key), "tls-client-certificate-unreadable", "client-certificate")
        .await;
}

#[tokio::test]
async fn client_files_are_found_in_the_home_folder() {
    let TlsServer { server, authority, .. } = tls_server();
    let home = Files::default();
    let pair = authority.issue("with_cert", &[]);
    home.write(".postgresql/postgresql.crt", &pair.certificate, 0o644);
    home.write(".postgresql/postgresql.key", &pair.key, 0o600);
    let with_home = |user: &str, sslmode| Target {
        certificates_dir: Some(home.path().join(".postgresql")),
        ..target_for(server, user, sslmode)
    };
    let target = with_home("with_cert", SslMode::Require);
    assert_eq!(compare(ours(&target).await, &theirs(&target, server.binaries()), "home"), Ok(true));
    // With a key that libpq does not use, `prefer` goes on without TLS, as libpq does.
    home.write(".postgresql/postgresql.key", &pair.key, 0o644);
    let target = with_home("anybody", SslMode::Prefer);
    assert_eq!(compare(ours(&target).await, &theirs(&target, server.binaries()), "open key"), Ok(false));
}
