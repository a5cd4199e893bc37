//! Mail, to a server that speaks SMTP.

use std::time::Duration;

use lockkeeper_core::model::{Alert, AlertKind};
use lockkeeper_engine::notify::{Channel, Email, Outcome, SmtpTls};
use lockkeeper_engine::postgres::{RootCert, Secret};
use lockkeeper_testkit::certificates::{Authority, Files, Pair};
use lockkeeper_testkit::{SmtpManners, SmtpServer};

use super::{alert, delivered, monstrous, receiver, render, routes, send};

struct Office {
    authority: Authority,
    files: Files,
}

impl Office {
    fn new() -> Self {
        let (authority, files) = (Authority::new("Mail CA"), Files::default());
        files.write("root.pem", &authority.pem(), 0o644);
        Self { authority, files }
    }

    fn email(&self, server: &SmtpServer) -> Email {
        let to = ["dba@example.com".to_owned(), "On call <oncall@example.com>".to_owned()];
        let mut email = Email::new("localhost", "Lockkeeper <lockkeeper@example.com>", &to).unwrap();
        email.port = server.port();
        email.roots = RootCert::File(self.files.path().join("root.pem"));
        email
    }

    fn good(&self) -> Pair {
        self.authority.issue("mail", &["localhost"])
    }
}

fn server(pair: &Pair) -> SmtpServer {
    SmtpServer::start(Some((&pair.certificate, &pair.key)))
}

async fn mail(email: &Email, alert: &Alert) -> Outcome {
    send(Channel::Email(Box::new(email.clone())), alert).await
}

/// The lines of a header, unfolded.
fn header<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    head.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
}

#[tokio::test]
async fn a_mail_goes_out_encrypted_and_signed_in_to_everybody_in_one_thread() {
    let office = Office::new();
    let server = server(&office.good());
    server.behave(SmtpManners { account: Some(("me".to_owned(), "hunter2".to_owned())), ..SmtpManners::default() });
    let mut email = office.email(&server);
    email.credentials = Some(("me".to_owned(), Secret::new("hunter2")));
    for kind in [AlertKind::Breach, AlertKind::Recovered] {
        delivered(&mail(&email, &alert(kind)).await);
    }
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    let [first, second] = [&mails[0], &mails[1]];
    assert!(first.was_encrypted);
    assert_eq!(first.authenticated_as.as_deref(), Some("me"));
    assert_eq!(first.to, ["dba@example.com", "oncall@example.com"]);
    assert_eq!(first.from, "lockkeeper@example.com");
    let ids = [first, second].map(|mail| header(&mail.text, "Message-ID")[0]);
    assert_ne!(ids[0], ids[1]);
    assert_eq!(header(&first.text, "In-Reply-To"), header(&second.text, "In-Reply-To"), "one thread");
    assert_eq!(header(&first.text, "In-Reply-To"), header(&first.text, "References"));
    assert_eq!(header(&first.text, "Subject"), ["alert-title-opens test alert-breach shop floor"]);
    assert_eq!(header(&first.text, "Auto-Submitted"), ["auto-generated"]);
}

#[tokio::test]
async fn no_text_of_others_becomes_a_header() {
    let office = Office::new();
    let server = server(&office.good());
    for kind in AlertKind::ALL {
        delivered(&mail(&office.email(&server), &monstrous(kind)).await);
    }
    for mail in server.mails() {
        let head = mail.text.split("\r\n\r\n").next().unwrap();
        assert!(!head.lines().any(|line| line.to_lowercase().starts_with("bcc")), "{head}");
        assert_eq!(mail.to.len(), 2);
    }
}

#[tokio::test]
async fn broken_tls_and_none_at_all_send_nothing() {
    let office = Office::new();
    let stranger = Authority::new("Stranger").issue("mail", &["localhost"]);
    for (what, pair) in [
        ("expired", office.authority.issue_expired(&["localhost"])),
        ("of another name", office.authority.issue("mail", &["mail.example"])),
        ("of another authority", stranger),
    ] {
        let server = server(&pair);
        let outcome = mail(&office.email(&server), &alert(AlertKind::Breach)).await;
        assert!(matches!(outcome, Outcome::Later { .. }), "{what}: {outcome:?}");
        assert!(server.mails().is_empty(), "{what}");
    }
    let plain = SmtpServer::start(None);
    let outcome = mail(&office.email(&plain), &alert(AlertKind::Breach)).await;
    assert!(!matches!(outcome, Outcome::Delivered(_)), "STARTTLS that is not offered is not done without: {outcome:?}");
    assert!(plain.mails().is_empty());
    let mut open = office.email(&plain);
    open.tls = SmtpTls::Off;
    delivered(&mail(&open, &alert(AlertKind::Breach)).await);
}

#[tokio::test]
async fn what_the_server_says_decides_whether_it_is_tried_again() {
    let office = Office::new();
    let server = server(&office.good());
    let refuse = |refusal: &str| {
        server.behave(SmtpManners { recipients_refused: Some(refusal.to_owned()), ..SmtpManners::default() });
    };
    refuse("451 4.7.1 greylisted, come back later");
    let grey = mail(&office.email(&server), &alert(AlertKind::Breach)).await;
    assert!(matches!(&grey, Outcome::Later { why, .. } if why.to_string().contains("greylisted")), "{grey:?}");
    refuse("550 5.1.1 no such user");
    let unknown = mail(&office.email(&server), &alert(AlertKind::Breach)).await;
    assert!(matches!(&unknown, Outcome::Never(why) if why.to_string().contains("no such user")), "{unknown:?}");
    server.behave(SmtpManners { account: Some(("me".to_owned(), "other".to_owned())), ..SmtpManners::default() });
    let mut email = office.email(&server);
    email.credentials = Some(("me".to_owned(), Secret::new("hunter2")));
    let wrong = mail(&email, &alert(AlertKind::Breach)).await;
    // The server says the password in its refusal.
    assert!(!format!("{wrong:?}").contains("hunter2"), "{wrong:?}");
    assert!(format!("{wrong:?}").contains("535") || format!("{wrong:?}").contains("invalid"), "{wrong:?}");
}

#[tokio::test]
async fn a_server_that_hangs_is_left_after_the_limit() {
    let office = Office::new();
    let server = server(&office.good());
    server.behave(SmtpManners { hangs: true, ..SmtpManners::default() });
    let mut one = receiver("mail", Channel::Email(Box::new(office.email(&server))));
    one.limit = Duration::from_millis(700);
    let outcome = lockkeeper_engine::notify::send_test(&one, &routes(&[]), &alert(AlertKind::Breach), &render).await;
    assert!(matches!(outcome, Outcome::Later { .. }), "{outcome:?}");
}
