//! What each sslmode decides, held against psql, which is libpq.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use lockkeeper_engine::postgres::{
    ChannelBinding, Host, PrivateServer, PrivateServerOptions, RootCert, Secret, SslMode, Target, connect,
};
use lockkeeper_testkit::{Cluster, execute};
use rcgen::IsCa;

use crate::psql::{compare, ours, theirs};
use lockkeeper_testkit::certificates::{Authority, Files, Pair, self_signed};

/// Users whose name says what `pg_hba.conf` holds for them.
const HBA: [&str; 8] = [
    "local all all trust",
    "hostssl all only_tls 127.0.0.1/32 trust",
    "hostnossl all only_plain 127.0.0.1/32 trust",
    "hostssl all with_cert 127.0.0.1/32 cert",
    "host all with_password 127.0.0.1/32 scram-sha-256",
    "host all anybody 127.0.0.1/32 trust",
    "host all postgres 127.0.0.1/32 trust",
    "host all rejected 127.0.0.1/32 reject",
];

const ROLES: &str = "CREATE ROLE only_tls LOGIN; CREATE ROLE only_plain LOGIN; CREATE ROLE with_cert LOGIN; \
                     CREATE ROLE with_password LOGIN PASSWORD 'hunter2'; CREATE ROLE anybody LOGIN; CREATE ROLE rejected LOGIN";

/// A server with TLS, its authority, and files for its clients.
pub struct TlsServer {
    pub server: PrivateServer,
    pub authority: Authority,
    pub files: Files,
}

pub fn tls_server() -> &'static TlsServer {
    static SERVER: OnceLock<TlsServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        let authority = Authority::new("Shop CA");
        let files = Files::default();
        files.write("root.crt", &authority.pem(), 0o644);
        files.write("other.crt", &Authority::new("Other CA").pem(), 0o644);
        let pair = authority.issue("db", &["localhost", "127.0.0.1"]);
        TlsServer { server: start_with(&pair, &authority.pem()), authority, files }
    })
}

pub fn start_with(pair: &Pair, client_root: &str) -> PrivateServer {
    let config = [
        "ssl = on",
        "ssl_cert_file = 'server.crt'",
        "ssl_key_file = 'server.key'",
        "ssl_ca_file = 'client-root.crt'",
        "max_connections = 50",
    ];
    let files =
        [("server.crt", &pair.certificate), ("server.key", &pair.key), ("client-root.crt", &client_root.to_owned())];
    let server = PrivateServer::start(&PrivateServerOptions {
        binaries: Cluster::binaries_wanted(),
        config: config.map(ToOwned::to_owned).to_vec(),
        hba: HBA.map(ToOwned::to_owned).to_vec(),
        files: files.map(|(name, text)| (name.to_owned(), text.clone().into_bytes())).to_vec(),
        ..PrivateServerOptions::default()
    });
    let server = server.unwrap();
    execute(&server.target(), ROLES);
    server
}

fn plain_server() -> &'static PrivateServer {
    static SERVER: OnceLock<PrivateServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = PrivateServer::start(&PrivateServerOptions {
            binaries: Cluster::binaries_wanted(),
            hba: HBA.map(ToOwned::to_owned).to_vec(),
            ..PrivateServerOptions::default()
        });
        let server = server.unwrap();
        execute(&server.target(), ROLES);
        server
    })
}

/// Over TCP to `localhost`, as `user`, with a home folder that holds no certificates.
pub fn target_for(server: &PrivateServer, user: &str, sslmode: SslMode) -> Target {
    Target {
        host: Host::Tcp("localhost".to_owned()),
        user: user.to_owned(),
        password: (user == "with_password").then(|| Secret::new("hunter2")),
        sslmode,
        certificates_dir: Some(PathBuf::from("/nonexistent/.postgresql")),
        ..server.tcp_target()
    }
}

fn root_file(path: &Path) -> RootCert {
    RootCert::File(path.to_owned())
}

async fn check(server: &PrivateServer, target: &Target, what: &str) -> Result<bool, String> {
    compare(ours(target).await, &theirs(target, server.binaries()), what)
}

#[tokio::test]
async fn every_mode_decides_as_psql_does() {
    let TlsServer { server: encrypted, files, .. } = tls_server();
    let roots = [
        ("no root", None),
        ("right root", Some(root_file(&files.path().join("root.crt")))),
        ("other root", Some(root_file(&files.path().join("other.crt")))),
        ("missing root", Some(root_file(&files.path().join("missing.crt")))),
    ];
    for (kind, server) in [("TLS", encrypted), ("plain", plain_server())] {
        for user in ["anybody", "only_tls", "only_plain", "with_password", "rejected"] {
            for sslmode in SslMode::ALL {
                for (root, sslrootcert) in &roots {
                    let target = Target { sslrootcert: sslrootcert.clone(), ..target_for(server, user, sslmode) };
                    let _ = check(server, &target, &format!("{kind} server, {user}, {sslmode}, {root}")).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn the_modes_mean_what_they_say() {
    let TlsServer { server, files, .. } = tls_server();
    let outcome = async |server: &PrivateServer, user: &str, sslmode| {
        let sslrootcert = Some(root_file(&files.path().join("root.crt")));
        ours(&Target { sslrootcert, ..target_for(server, user, sslmode) }).await
    };
    let refused = |id: &str| Err(id.to_owned());
    let plain = plain_server();
    assert_eq!(outcome(server, "anybody", SslMode::Disable).await, Ok(false));
    assert_eq!(outcome(server, "anybody", SslMode::Allow).await, Ok(false));
    assert_eq!(outcome(server, "only_tls", SslMode::Allow).await, Ok(true));
    assert_eq!(outcome(server, "anybody", SslMode::Prefer).await, Ok(true));
    assert_eq!(outcome(server, "only_plain", SslMode::Prefer).await, Ok(false));
    assert_eq!(outcome(plain, "anybody", SslMode::Prefer).await, Ok(false));
    assert_eq!(outcome(server, "anybody", SslMode::VerifyFull).await, Ok(true));
    for sslmode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
        assert_eq!(outcome(plain, "anybody", sslmode).await, refused("tls-not-offered"));
        assert_eq!(outcome(server, "only_plain", sslmode).await, refused("connect-hba-refused"));
    }
    assert_eq!(outcome(server, "only_tls", SslMode::Disable).await, refused("connect-hba-refused"));
}

#[tokio::test]
async fn two_refusals_are_both_told() {
    // Over TLS the password is wrong, without it there is no way in: the password is what can be mended.
    let target = Target {
        password: Some(Secret::new("wrong")),
        ..target_for(&tls_server().server, "with_password", SslMode::Prefer)
    };
    let problem = connect(&target).await.unwrap_err();
    assert_eq!(problem.message.id, "connect-password-wrong");
    assert!(problem.others.is_empty(), "the same refusal twice is one");
    let target = target_for(&tls_server().server, "rejected", SslMode::Prefer);
    let problem = connect(&target).await.unwrap_err();
    assert_eq!((problem.message.id, problem.others.len()), ("connect-hba-refused", 1));
}

#[tokio::test]
async fn a_unix_socket_never_uses_tls() {
    for sslmode in SslMode::ALL {
        let target = Target { sslmode, ..tls_server().server.target() };
        let connection = connect(&target).await.unwrap();
        assert!(!connection.is_encrypted() && !connection.is_verified(), "{sslmode}");
    }
}

#[tokio::test]
async fn the_default_root_file_is_used_by_every_mode() {
    let TlsServer { server, authority, .. } = tls_server();
    let home = Files::default();
    home.write(".postgresql/root.crt", &authority.pem(), 0o644);
    let with_home = |sslmode| Target {
        certificates_dir: Some(home.path().join(".postgresql")),
        ..target_for(server, "anybody", sslmode)
    };
    for sslmode in [SslMode::Prefer, SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
        assert_eq!(check(server, &with_home(sslmode), sslmode.as_str()).await, Ok(true));
        assert!(connect(&with_home(sslmode)).await.unwrap().is_verified());
    }
    home.write(".postgresql/root.crt", &Authority::new("Other CA").pem(), 0o644);
    assert_eq!(check(server, &with_home(SslMode::Prefer), "prefer").await, Ok(false));
    assert_eq!(check(server, &with_home(SslMode::Require), "require").await, Err("tls-issuer-unknown".to_owned()));
}

#[tokio::test]
async fn scram_is_bound_to_the_tls_connection() {
    let server = &tls_server().server;
    let bound =
        Target { channel_binding: ChannelBinding::Require, ..target_for(server, "with_password", SslMode::Require) };
    assert!(connect(&bound).await.unwrap().is_encrypted());
    let plain = Target { sslmode: SslMode::Disable, ..bound.clone() };
    assert_eq!(connect(&plain).await.unwrap_err().message.id, "connect-channel-binding-missing");
    let trusted = Target { user: "anybody".to_owned(), ..bound };
    assert_eq!(connect(&trusted).await.unwrap_err().message.id, "connect-channel-binding-missing");
}

#[tokio::test]
async fn a_statement_is_cancelled_over_tls() {
    let connection = connect(&target_for(&tls_server().server, "only_tls", SslMode::Require)).await.unwrap();
    let canceller = connection.canceller();
    let cancelling = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            canceller.cancel().await.unwrap();
        }
    };
    let error = tokio::select! {
        slept = connection.client().batch_execute("SELECT pg_sleep(60)") => slept.unwrap_err(),
        () = cancelling => unreachable!("it never ends"),
    };
    assert_eq!(error.code().map(tokio_postgres::error::SqlState::code), Some("57014"));
}

/// One certificate a server may show: what the client trusts, the host asked for, and the decisions
/// of verify-ca and verify-full.
struct Shown {
    what: &'static str,
    pair: Pair,
    root: String,
    decisions: Vec<(&'static str, Decision, Decision)>,
}

type Decision = Result<(), &'static str>;

#[tokio::test]
async fn certificates_are_judged_as_psql_judges_them() {
    let authority = Authority::new("Shop CA");
    let between = authority.below("Shop CA 2");
    let expired = Authority::new_expired("Old CA");
    let no_authority = authority.below_without_power("Shop server");
    let powerless = no_authority.issue_version_1("localhost");
    let root = authority.pem();
    let with_chain = |pair: Pair| Pair { certificate: format!("{}{}", pair.certificate, between.pem()), ..pair };
    let name = Err("tls-name-mismatch");
    let issuer = Err("tls-issuer-unknown");
    let both = |decision: Decision| vec![("localhost", decision, decision)];
    let own = |is_ca| {
        let pair = self_signed(&["localhost"], is_ca);
        (pair.clone(), pair.certificate)
    };
    let (ca_true, ca_true_root) = own(IsCa::Ca(rcgen::BasicConstraints::Unconstrained));
    let (ca_false, ca_false_root) = own(IsCa::ExplicitNoCa);
    let (no_ca, no_ca_root) = own(IsCa::NoCa);
    let listed = authority.issue("db", &["localhost"]);
    let cases = [
        Shown {
            what: "a DNS name",
            pair: authority.issue("db", &["localhost"]),
            root: root.clone(),
            decisions: vec![("localhost", Ok(()), Ok(())), ("127.0.0.1", Ok(()), name)],
        },
        Shown {
            what: "an address",
            pair: authority.issue("db", &["127.0.0.1"]),
            root: root.clone(),
            decisions: vec![("127.0.0.1", Ok(()), Ok(())), ("localhost", Ok(()), name)],
        },
        Shown {
            what: "the CN alone",
            pair: authority.issue("localhost", &[]),
            root: root.clone(),
            decisions: vec![("localhost", Ok(()), Ok(())), ("127.0.0.1", Ok(()), name)],
        },
        Shown {
            what: "a CN beside another DNS name",
            pair: authority.issue("localhost", &["db.example.com"]),
            root: root.clone(),
            decisions: vec![("localhost", Ok(()), name)],
        },
        Shown {
            what: "a CN beside an address",
            pair: authority.issue("localhost", &["10.0.0.1"]),
            root: root.clone(),
            decisions: vec![("localhost", Ok(()), Ok(()))],
        },
        Shown {
            what: "a CN that is an address, beside a DNS name",
            pair: authority.issue("127.0.0.1", &["db.example.com"]),
            root: root.clone(),
            decisions: vec![("127.0.0.1", Ok(()), Ok(()))],
        },
        Shown {
            what: "of version 1",
            pair: authority.issue_version_1("localhost"),
            root: root.clone(),
            decisions: vec![("localhost", Ok(()), Ok(())), ("127.0.0.1", Ok(()), name)],
        },
        Shown {
            what: "of version 1, with its chain",
            pair: with_chain(between.issue_version_1("localhost")),
            root: root.clone(),
            decisions: both(Ok(())),
        },
        Shown {
            what: "of version 1, without its chain",
            pair: between.issue_version_1("localhost"),
            root: root.clone(),
            decisions: both(issuer),
        },
        Shown {
            what: "of version 1, of another authority with the same name",
            pair: Authority::new("Shop CA").issue_version_1("localhost"),
            root: root.clone(),
            decisions: both(issuer),
        },
        Shown {
            what: "of version 1, of an expired authority",
            pair: expired.issue_version_1("localhost"),
            root: expired.pem(),
            decisions: both(issuer),
        },
        Shown {
            what: "of version 1, of one that is no authority",
            pair: Pair { certificate: format!("{}{}", powerless.certificate, no_authority.pem()), ..powerless },
            root: root.clone(),
            decisions: both(issuer),
        },
        Shown {
            what: "expired",
            pair: authority.issue_expired(&["localhost"]),
            root: root.clone(),
            decisions: both(Err("tls-certificate-expired")),
        },
        Shown {
            what: "not yet valid",
            pair: authority.issue_not_yet_valid(&["localhost"]),
            root: root.clone(),
            decisions: both(Err("tls-certificate-not-yet-valid")),
        },
        Shown {
            what: "for clients only",
            pair: authority.issue_for_clients_only(&["localhost"]),
            root: root.clone(),
            decisions: both(Err("tls-certificate-unusable")),
        },
        Shown {
            what: "of another authority",
            pair: Authority::new("Other CA").issue("db", &["localhost"]),
            root: root.clone(),
            decisions: both(issuer),
        },
        Shown {
            what: "of another authority with the same name",
            pair: Authority::new("Shop CA").issue("db", &["localhost"]),
            root: root.clone(),
            decisions: both(issuer),
        },
        Shown {
            what: "of an expired authority",
            pair: expired.issue("db", &["localhost"]),
            root: expired.pem(),
            decisions: both(Err("tls-issuer-expired")),
        },
        Shown {
            what: "with its chain",
            pair: with_chain(between.issue("db", &["localhost"])),
            root: root.clone(),
            decisions: both(Ok(())),
        },
        Shown {
            what: "without its chain",
            pair: between.issue("db", &["localhost"]),
            root: root.clone(),
            decisions: both(issuer),
        },
        Shown {
            what: "with its chain in the root file",
            pair: between.issue("db", &["localhost"]),
            root: format!("{root}{}", between.pem()),
            decisions: both(Ok(())),
        },
        Shown {
            what: "self-signed, CA true, listed",
            pair: ca_true.clone(),
            root: ca_true_root,
            decisions: vec![("localhost", Ok(()), Ok(())), ("127.0.0.1", Ok(()), name)],
        },
        Shown { what: "self-signed, CA false, listed", pair: ca_false, root: ca_false_root, decisions: both(Ok(())) },
        Shown { what: "self-signed, no CA, listed", pair: no_ca, root: no_ca_root, decisions: both(Ok(())) },
        Shown { what: "self-signed, not listed", pair: ca_true, root: root.clone(), decisions: both(issuer) },
        Shown {
            what: "listed itself, its authority not",
            root: listed.certificate.clone(),
            pair: listed,
            decisions: both(issuer),
        },
    ];
    let files = Files::default();
    let mut server = start_with(&cases[0].pair, &root);
    for case in cases {
        for (name, text) in [("server.crt", &case.pair.certificate), ("server.key", &case.pair.key)] {
            // Overwriting keeps owner and mode.
            std::fs::write(server.dir().join("data").join(name), text).unwrap();
        }
        server.restart().unwrap();
        let root = files.write("root.crt", &case.root, 0o644);
        for (host, verify_ca, verify_full) in case.decisions {
            for (sslmode, expected) in
                [(SslMode::Require, verify_ca), (SslMode::VerifyCa, verify_ca), (SslMode::VerifyFull, verify_full)]
            {
                let target = Target {
                    host: Host::Tcp(host.to_owned()),
                    sslrootcert: Some(root_file(&root)),
                    ..target_for(&server, "anybody", sslmode)
                };
                let what = format!("{}, {host}, {sslmode}", case.what);
                let outcome = check(&server, &target, &what).await;
                assert_eq!(outcome, expected.map(|()| true).map_err(ToOwned::to_owned), "{what}");
            }
            // Without a root file nothing is verified.
            let target =
                Target { host: Host::Tcp(host.to_owned()), ..target_for(&server, "anybody", SslMode::Require) };
            assert_eq!(check(&server, &target, case.what).await, Ok(true), "{}", case.what);
        }
    }
}
