//! Stage 2 approved by a review of a job on GitHub, against a stand-in that answers as its REST API is documented to.

use std::sync::{Arc, Mutex};

use lockkeeper_testkit::receivers::header;
use lockkeeper_testkit::{FaultyHttp, HttpAnswer, HttpReply, Service};
use serde_json::{Value, json};

use super::Release;
use crate::shop::{ADMIN, Run, Shop, wait_until};

const TOKEN: &str = "ghs_aVerySecretTokenOfThisJob";
const SECTION: &str = "[approval.github]\nenvironment = \"production-contract\"\n\
                       approvers = { \"Octo-Admin\" = \"admin@shop.example\", \"octo-dev\" = \"dev@shop.example\" }\n";

/// GitHub, as far as one run goes.
struct Github {
    server: FaultyHttp,
    reviews: Arc<Mutex<Vec<Value>>>,
}

impl Github {
    fn open() -> Self {
        let reviews = Arc::new(Mutex::new(Vec::new()));
        let server = FaultyHttp::start(HttpAnswer::By(Self::service(&reviews)));
        Self { server, reviews }
    }

    /// Refuses what GitHub refuses.
    fn service(reviews: &Arc<Mutex<Vec<Value>>>) -> Service {
        let reviews = Arc::clone(reviews);
        Service::new(move |request| {
            if header(request, "authorization") != Some(&format!("Bearer {TOKEN}")) {
                return HttpReply::new(401, r#"{"message": "Bad credentials"}"#);
            }
            if header(request, "user-agent").is_none() {
                return HttpReply::new(403, "Request forbidden by administrative rules.");
            }
            if header(request, "accept") != Some("application/vnd.github+json")
                || header(request, "x-github-api-version") != Some("2022-11-28")
            {
                return HttpReply::new(415, r#"{"message": "Unsupported Media Type"}"#);
            }
            match request.lines().next() {
                Some("GET /api/v3/repos/shop/app/actions/runs/4711/approvals HTTP/1.1") => {
                    HttpReply::new(200, Value::Array(reviews.lock().unwrap().clone()).to_string())
                }
                _ => HttpReply::new(404, r#"{"message": "Not Found"}"#),
            }
        })
    }

    fn review(&self, state: &str, login: &str, environment: &str) {
        self.reviews.lock().unwrap().push(json!({
            "state": state,
            "comment": "looks good",
            "environments": [{ "id": 161, "name": environment, "html_url": "https://github.example/x" }],
            "user": { "login": login, "id": 1, "type": "User" },
        }));
    }

    fn approve(&self, login: &str) {
        self.review("approved", login, "production-contract");
    }

    /// A command in a job of the run; what it says never holds the token.
    fn job(&self, shop: &Shop, line: &str) -> Run {
        let mut command = shop.command(line);
        command.env("GITHUB_API_URL", self.server.url("/api/v3"));
        command.env("GITHUB_REPOSITORY", "shop/app").env("GITHUB_RUN_ID", "4711").env("GITHUB_RUN_ATTEMPT", "1");
        command.env("GITHUB_TOKEN", TOKEN);
        let run = Shop::finish(command);
        assert!(!run.to_string().contains(TOKEN), "{run}");
        run
    }
}

impl Release {
    /// It waits, in the run's first job.
    fn on_github(more: &str, github: &Github) -> Self {
        let release = Self::unwatched(None, &format!("{more}{SECTION}"));
        let end = github.job(&release.shop, "--json release start --version 2 --previous 1").expect(0).json();
        assert_eq!(end["end"], "waits", "{end}");
        release
    }

    fn next_job(&self, github: &Github) -> Run {
        github.job(&self.shop, "--json release resume")
    }

    /// The next job does not open stage 2, and says why.
    #[track_caller]
    fn not_reviewed(&self, github: &Github, why: &str) {
        let said = github.job(&self.shop, "release resume").expect(1);
        assert!(said.stdout.contains(why), "{said}");
        assert_eq!((self.state().as_str(), self.columns().as_str()), ("awaiting_approval", "full_name id name"));
        assert_eq!(self.shop.count("lockkeeper.github_approvals"), 0);
    }

    #[track_caller]
    fn completes_on_github(&self, github: &Github) {
        self.next_job(github).expect(0);
        assert_eq!((self.state().as_str(), self.columns().as_str()), ("completed", "full_name id"));
    }
}

#[test]
fn a_review_of_the_job_approves_and_is_recorded_with_actor_and_run() {
    let github = Github::open();
    let release = Release::on_github("", &github);
    let wait = release.shop.database.query(
        "SELECT repository, run_id, attempt, environment, approved_before, began_by FROM lockkeeper.github_waits",
    );
    assert_eq!(wait, [["shop/app", "4711", "1", "production-contract", "0", "dev@shop.example"]]);
    github.approve("octo-ADMIN");
    let run = release.next_job(&github).expect(0);
    assert_eq!(run.json()["end"], "completed", "{run}");
    assert_eq!(release.columns(), "full_name id");
    let row = release.shop.database.query(
        "SELECT login, principal, repository, run_id, environment, comment, used_at IS NOT NULL, plan_digest = \
         (SELECT w.plan_digest FROM lockkeeper.github_waits w) FROM lockkeeper.github_approvals",
    );
    let expected = ["octo-ADMIN", ADMIN, "shop/app", "4711", "production-contract", "looks good", "t", "t"];
    assert_eq!(row, [expected]);
    let payload = release.shop.database.value("SELECT payload FROM lockkeeper.events WHERE kind = 'approved'");
    let event: Value = serde_json::from_str(&payload).unwrap();
    let told = ["by", "login", "repository", "environment"].map(|key| event[key].as_str().unwrap_or_default());
    assert_eq!(told, [ADMIN, "octo-ADMIN", "shop/app", "production-contract"]);
    assert_eq!((event["run_id"].as_i64(), event["attempt"].as_i64()), (Some(4711), Some(1)));
    let log = release.shop.say("log").expect(0);
    assert!(log.stdout.contains("octo-ADMIN") && log.stdout.contains("4711"), "{log}");
    release.shop.run("log --verify").expect(0);
    // The ledger as a whole, and what was written beside it.
    for table in ["events", "github_waits", "github_approvals", "release_tasks", "journeys"] {
        let text = release.shop.database.value(&format!("SELECT string_agg(t::text, ' ') FROM lockkeeper.{table} t"));
        assert!(!text.contains(TOKEN), "{table}");
    }
}

#[test]
fn by_hand_a_review_approves_likewise_and_status_says_by_whom() {
    let github = Github::open();
    let shop = Shop::awaiting_approval();
    shop.project.write("lockkeeper.toml", SECTION);
    let run = github.job(&shop, "--json stage2").refused(1, "stage2-closed");
    assert_eq!(run.notes(), ["gate-not-reviewed"], "{run}");
    github.approve("octo-admin");
    // Something else is missing still, so that what is recorded can be looked at.
    shop.pair(
        "03_add_note",
        "ALTER TABLE customers ADD COLUMN note text;\n",
        "ALTER TABLE customers DROP COLUMN note;\n",
    );
    github.job(&shop, "--json stage2").refused(1, "stage2-closed");
    let status = shop.say("status").expect(0);
    for word in ["approved by admin@shop.example", "octo-admin", "production-contract", "4711", "shop/app"] {
        assert!(status.stdout.contains(word), "{word}: {status}");
    }
    let asked = github.server.requests().len();
    shop.remove("03_add_note");
    // Outside of the run it counts as well: it is in the ledger, and nobody is asked again.
    shop.run("stage2").expect(0);
    assert_eq!(github.server.requests().len(), asked);
}

#[test]
fn what_is_no_review_of_this_plan_in_this_environment_by_somebody_who_may_opens_nothing() {
    let github = Github::open();
    // An earlier job of the environment was approved in the same run.
    github.approve("octo-admin");
    let release = Release::on_github("", &github);
    assert_eq!(release.shop.database.value("SELECT approved_before FROM lockkeeper.github_waits"), "1");
    release.not_reviewed(&github, "no review of the environment production-contract");
    github.review("approved", "octo-admin", "staging");
    github.review("pending", "octo-admin", "production-contract");
    release.not_reviewed(&github, "no review of the environment production-contract");
    github.approve("mallory");
    release.not_reviewed(&github, "does not know mallory");
    github.approve("octo-dev");
    release.not_reviewed(&github, "dev@shop.example is the author");
    github.review("rejected", "octo-admin", "production-contract");
    github.approve("octo-admin");
    release.not_reviewed(&github, "octo-admin rejected");
    // A signature works beside it.
    release.approve();
    release.completes_on_github(&github);
}

#[test]
fn a_review_of_other_files_opens_nothing() {
    let github = Github::open();
    let release = Release::on_github("", &github);
    github.approve("octo-admin");
    release.shop.file("02_remove_name_up.sql", "ALTER TABLE customers DROP COLUMN name CASCADE;\n");
    release.not_reviewed(&github, "no review of the environment production-contract");
    release.not_reviewed(&github, "no review of the environment production-contract");
    github.approve("octo-admin");
    release.completes_on_github(&github);
}

#[test]
fn a_review_that_was_recorded_opens_no_other_plan_and_not_for_ever() {
    let github = Github::open();
    let shop = Shop::awaiting_approval();
    shop.project.write("lockkeeper.toml", &format!("[approval]\nexpires_after = \"1s\"\n{SECTION}"));
    github.job(&shop, "--json stage2").refused(1, "stage2-closed");
    github.approve("octo-admin");
    let add = ("ALTER TABLE customers ADD COLUMN note text;\n", "ALTER TABLE customers DROP COLUMN note;\n");
    shop.pair("03_add_note", add.0, add.1);
    github.job(&shop, "--json stage2").refused(1, "stage2-closed");
    assert_eq!(shop.count("lockkeeper.github_approvals"), 1);
    shop.remove("03_add_note");
    wait_until("it runs out", || {
        shop.database.value("SELECT expires_at < clock_timestamp() FROM lockkeeper.github_approvals") == "t"
    });
    // Asking again finds the same review, which approves nothing twice.
    let run = github.job(&shop, "--json stage2").refused(1, "stage2-closed");
    assert_eq!(run.notes(), ["gate-approval-void"], "{run}");
    assert_eq!(shop.count("lockkeeper.github_approvals"), 1);
    shop.database.execute("UPDATE lockkeeper.github_approvals SET expires_at = '2100-01-01'");
    let up = "ALTER TABLE customers DROP COLUMN name CASCADE;\n";
    shop.file("02_remove_customers_name_up.sql", up);
    let run = github.job(&shop, "--json stage2").refused(1, "stage2-closed");
    assert_eq!(run.notes(), ["gate-approval-other-plan"], "{run}");
    // Whom the settings do not know any more has approved nothing.
    shop.file("02_remove_customers_name_up.sql", "ALTER TABLE customers DROP COLUMN name;\n");
    shop.project.write("lockkeeper.toml", &SECTION.replace("Octo-Admin", "somebody"));
    let run = shop.run("stage2").refused(1, "stage2-closed");
    assert_eq!(run.notes(), ["gate-approval-void"], "{run}");
    shop.project.write("lockkeeper.toml", "");
    shop.run("stage2").refused(1, "stage2-closed");
    shop.project.write("lockkeeper.toml", SECTION);
    shop.run("stage2").expect(0);
}

#[test]
fn a_github_that_does_not_answer_approves_nothing() {
    let github = Github::open();
    let release = Release::on_github("", &github);
    github.approve("octo-admin");
    for (answer, why) in [
        (HttpAnswer::json(403, format!("{{\"message\": \"{TOKEN}\"}}")), "permissions: actions: read"),
        (HttpAnswer::status(404), "permissions: actions: read"),
        (HttpAnswer::status(502), "status 502"),
        (HttpAnswer::Redirect(github.server.url("/elsewhere")), "status 30"),
        (HttpAnswer::text("<html>approved</html>"), "no list of reviews"),
        (HttpAnswer::json(200, "[{\"state\": \"approved\"}]"), "no list of reviews"),
        (HttpAnswer::json(200, format!("[{}]", " ".repeat(2_000_000))), "could not be asked"),
        (HttpAnswer::Reset, "could not be asked"),
        (HttpAnswer::Nonsense, "could not be asked"),
    ] {
        github.server.answer(answer);
        release.not_reviewed(&github, why);
    }
    github.server.answer(HttpAnswer::By(Github::service(&github.reviews)));
    release.completes_on_github(&github);
}

#[test]
fn without_the_section_or_outside_of_a_run_nothing_is_asked() {
    let github = Github::open();
    let release = Release::unwatched(None, "");
    github.job(&release.shop, "--json release start --version 2 --previous 1").expect(0);
    github.approve("octo-admin");
    github.job(&release.shop, "--json release resume").expect(1);
    let settings = release.shop.project.read("lockkeeper.toml");
    release.shop.project.write("lockkeeper.toml", &format!("{settings}{SECTION}"));
    release.resume().expect(1);
    assert_eq!((github.server.requests().len(), release.shop.count("lockkeeper.github_waits")), (0, 0));
    release.approve();
    release.completes_on_github(&github);
    assert_eq!(github.server.requests().len(), 0, "what is approved already needs no review");
}
