//! Every way in which a target can go wrong: what one check says of it, and how a watch ends.

use std::time::Duration;

use lockkeeper_testkit::certificates::{Authority, Pair};
use lockkeeper_testkit::{Database, FaultyHttp, HttpAnswer};

use crate::health_bench::{QUICK, Watcher, check, http, project_on, said};

/// What serves, if anything does.
enum Serves {
    Http(HttpAnswer),
    /// Over TLS, with a certificate made out by the authority that is trusted.
    Tls(fn(&Authority) -> Pair),
    /// A server that was stopped.
    Nothing,
}

struct Case {
    name: &'static str,
    serves: Serves,
    /// More of its section.
    settings: &'static str,
    verdict: &'static str,
    /// A part of what is told.
    says: &'static str,
    /// Of the check and of the watch.
    code: i32,
}

const fn fails(name: &'static str, serves: Serves, settings: &'static str, says: &'static str) -> Case {
    Case { name, serves, settings, verdict: "fail", says, code: UNHEALTHY }
}

const UNHEALTHY: i32 = 1;
const INCONCLUSIVE: i32 = 6;

/// Too short for whatever hangs, and long enough for a busy machine.
const SHORT: &str = "timeout = \"250ms\"";

fn cases() -> Vec<Case> {
    let answers = Serves::Http;
    let body = |text: &str| Serves::Http(HttpAnswer::text(text));
    vec![
        Case {
            name: "nothing is wrong",
            serves: body("ready"),
            settings: "contains = [\"ready\"]",
            verdict: "pass",
            says: "200 in",
            code: 0,
        },
        fails("500", answers(HttpAnswer::status(500)), "", "status 500, expected 2xx"),
        fails("503", answers(HttpAnswer::status(503)), "", "status 503, expected 2xx"),
        fails("a redirect", answers(HttpAnswer::Redirect("http://127.0.0.1:1/".to_owned())), "", "status 302"),
        fails("no answer", answers(HttpAnswer::Hang), SHORT, "no answer within 250 ms (at first_byte"),
        fails(
            "a slow answer",
            answers(HttpAnswer::After(Duration::from_secs(2), String::new())),
            SHORT,
            "within 250 ms",
        ),
        fails("a slow body", answers(HttpAnswer::Trickle(Duration::from_millis(20))), SHORT, "250 ms (at transfer"),
        fails(
            "slower than allowed",
            answers(HttpAnswer::After(Duration::from_millis(60), "ready".to_owned())),
            "slower_than = \"50ms\"",
            "slower than 50 ms",
        ),
        fails("a reset", answers(HttpAnswer::Reset), "", "connection was reset"),
        fails("a reset in the body", answers(HttpAnswer::ResetInBody), "", "reset (at transfer"),
        fails("half a body", answers(HttpAnswer::Truncated), "", "before the answer was whole"),
        fails("garbage", answers(HttpAnswer::Nonsense), "", "is not HTTP"),
        fails("wrong content", body("maintenance"), "lacks = [\"maintenance\"]", "contains \"maintenance\""),
        fails("no JSON", body("<html>"), "json = { \"/status\" = \"ok\" }", "is not JSON"),
        fails("too long a body", body("12345678901"), "body_bytes_max = 10", "longer than 10 bytes"),
        fails("nobody listens", Serves::Nothing, "", "connection was refused"),
        fails("TLS, run out", Serves::Tls(|authority| authority.issue_expired(&["localhost"])), "", "has run out"),
        fails(
            "TLS, too early",
            Serves::Tls(|authority| authority.issue_not_yet_valid(&["localhost"])),
            "",
            "not valid yet",
        ),
        fails(
            "TLS, unknown",
            Serves::Tls(|_| Authority::new("Stranger").issue("x", &["localhost"])),
            "",
            "not trusted",
        ),
        fails("TLS, another's", Serves::Tls(|authority| authority.issue("x", &["shop.example"])), "", "another name"),
        Case {
            name: "authorities of our own that cannot be read",
            serves: Serves::Tls(|authority| authority.issue("x", &["localhost"])),
            settings: "sslrootcert = \"missing.pem\"",
            verdict: "probe_error",
            says: "cannot be read",
            code: INCONCLUSIVE,
        },
    ]
}

/// A watch is long enough to be healthy in; a breach ends it sooner.
const WATCH_FINE: &str = "8s";
const WATCH_FAULTY: &str = "60s";

impl Case {
    fn run(&self) {
        let (database, authority) = (Database::create(), Authority::new("Shop CA"));
        let (server, url) = match &self.serves {
            Serves::Http(answer) => {
                let server = FaultyHttp::start(answer.clone());
                let url = server.url("/");
                (server, url)
            }
            Serves::Tls(issue) => {
                let pair = issue(&authority);
                let server = FaultyHttp::start_tls(HttpAnswer::status(200), &pair.certificate, &pair.key);
                let url = server.url("/");
                (server, url)
            }
            Serves::Nothing => {
                let server = FaultyHttp::start(HttpAnswer::status(200));
                let url = server.url("/");
                server.stop();
                (server, url)
            }
        };
        let roots = if self.settings.contains("sslrootcert") { "" } else { "sslrootcert = \"root.pem\"\n" };
        let toml = QUICK.to_owned() + &http("shop", &url, &format!("{roots}{}", self.settings));
        let project = project_on(&database, &toml);
        project.write("root.pem", &authority.pem());

        let finished = check(&project);
        let (verdict, text) = said(&finished, "shop");
        assert_eq!((verdict.as_str(), finished.code), (self.verdict, Some(self.code)), "{}: {text}", self.name);
        assert!(text.contains(self.says), "{}: {text}", self.name);

        let lasts = if self.code == UNHEALTHY { WATCH_FAULTY } else { WATCH_FINE };
        let watched = project.lockkeeper(["health", "start", "--for", lasts, "--json"]);
        assert_eq!(watched.code, Some(self.code), "{}: {watched:?}", self.name);
        let breaches = database.value("SELECT count(*) FROM lockkeeper.events WHERE kind = 'health_breach'");
        assert_eq!(breaches, if self.code == UNHEALTHY { "1" } else { "0" }, "{}", self.name);
        drop(server);
    }
}

/// So many at a time, on however few cores: a watch is mostly waiting.
const AT_A_TIME: usize = 4;

#[test]
fn every_fault_of_a_target_has_its_verdict_its_words_and_its_exit_code() {
    let cases = cases();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failed: Vec<String> = std::thread::scope(|scope| {
        let work = || {
            let mut failed = Vec::new();
            while let Some(case) = cases.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                // All of the table is tried before anything is told.
                let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case.run()));
                failed.extend(tried.err().map(|_| case.name.to_owned()));
            }
            failed
        };
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(failed, Vec::<String>::new(), "what each of them said stands above");
}

fn counters(server: &FaultyHttp) -> String {
    format!(
        "[[health.counters]]\nname = \"shop\"\nurl = \"{}\"\nevery = \"50ms\"\n\
         requests = \"requests_total\"\nerrors = \"errors_total\"\n",
        server.url("/metrics")
    )
}

/// The floor with its own numbers, of windows that are short.
const FLOOR: &str = "[health]\nrules = [\"floor\"]\ninterval = \"1s\"\n";

#[test]
fn a_watch_ends_healthy_at_4_9_percent_and_unhealthy_at_5() {
    for (errors, code, verdict) in [(49, 0, "pass"), (50, UNHEALTHY, "fail")] {
        let (database, server) =
            (Database::create(), FaultyHttp::start(HttpAnswer::Counting { requests: 1000, errors }));
        let project = project_on(&database, &(FLOOR.to_owned() + &counters(&server)));
        let finished = check(&project);
        let (was, text) = said(&finished, "shop");
        assert_eq!((finished.code, was.as_str()), (Some(code), verdict), "{text}");
        let share = if errors == 49 { "1000 requests, 4.9 %" } else { "1000 requests, 5 %" };
        assert!(text.contains(share) && text.contains("against 5 %"), "{text}");
        let watched = project.lockkeeper(["health", "start", "--for", "6s", "--json"]);
        assert_eq!(watched.code, Some(code), "{errors} in 1000: {watched:?}");
        if code == UNHEALTHY {
            let breach = database.value("SELECT breach::jsonb->>'failures' FROM lockkeeper.watches");
            assert_eq!(breach, "3", "the third window, and neither the second nor the fourth");
        }
    }
}

#[test]
fn the_second_failure_does_nothing_and_the_third_is_a_breach() {
    let (database, server) =
        (Database::create(), FaultyHttp::start(HttpAnswer::Counting { requests: 1000, errors: 100 }));
    let settings = "[health]\nrules = [\"floor\"]\ninterval = \"2s\"\n";
    let project = project_on(&database, &(settings.to_owned() + &counters(&server)));
    let mut watcher = Watcher::start(&project, &["--for", "90s"]);
    watcher.judgement("shop", "floor", |judgement| judgement["failures"] == 2);
    server.answer(HttpAnswer::Counting { requests: 1000, errors: 0 });
    let passed = watcher.judgement("shop", "floor", |_| true);
    assert_eq!((passed["verdict"].as_str(), passed["failures"].as_u64()), (Some("pass"), Some(0)), "{passed}");
    assert_eq!(database.value("SELECT count(*) FROM lockkeeper.events WHERE kind = 'health_breach'"), "0");
    server.answer(HttpAnswer::Counting { requests: 1000, errors: 100 });
    for failures in 1..=3 {
        let failed = watcher.judgement("shop", "floor", |judgement| judgement["verdict"] == "fail");
        assert_eq!(failed["failures"].as_u64(), Some(failures), "the row began anew: {failed}");
        assert_eq!(failed["breaches"].as_bool(), Some(failures == 3), "{failed}");
    }
    assert_eq!(watcher.code(), Some(UNHEALTHY), "{}", watcher.seen());
    assert_eq!(database.value("SELECT count(*) FROM lockkeeper.events WHERE kind = 'health_breach'"), "1");
}

/// Errors that are not counted from the start would be a service without errors.
#[test]
fn a_counter_that_is_missing_is_no_data_and_no_service_without_errors() {
    let (database, server) = (Database::create(), FaultyHttp::start(HttpAnswer::text("requests_total 1000\n")));
    let settings = FLOOR.replace("1s", "2s") + &counters(&server) + "no_data = \"hold\"\n";
    let project = project_on(&database, &settings);
    let finished = check(&project);
    let (verdict, text) = said(&finished, "shop");
    assert_eq!((finished.code, verdict.as_str()), (Some(INCONCLUSIVE), "no_data"), "{text}");
    assert!(text.contains("errors_total is not there at all"), "{text}");
    let watched = project.lockkeeper(["health", "start", "--for", "7s", "--json"]);
    assert_eq!(watched.code, Some(INCONCLUSIVE), "{watched:?}");
    assert!(watched.stderr.contains("probe-counters-no-errors"), "the watch tells why: {watched:?}");
}
