//! Reads the reviews of a run of GitHub Actions from GitHub's REST API.

use std::net::IpAddr;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::Message;
use lockkeeper_core::release::{GithubReview, ReviewState};
use serde_json::Value;

use crate::http::{Client, Header, HttpLimits, HttpRequest, Stopwatch, Url};
use crate::postgres::Secret;

/// The run that this process is part of, and what it may ask with. `Debug` shows no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubRun {
    reviews: Url,
    repository: String,
    run_id: i64,
    attempt: i32,
    token: Secret,
}

/// What the environment of a job says of its run.
#[derive(Debug, Clone, Default)]
pub struct GithubVariables<'a> {
    pub api_url: Option<&'a str>,
    pub repository: Option<&'a str>,
    pub run_id: Option<&'a str>,
    pub attempt: Option<&'a str>,
    pub token: Option<&'a str>,
}

/// Where GitHub itself answers.
const API_URL: &str = "https://api.github.com";

/// The version of the API that this was written for.
const API_VERSION: &str = "2022-11-28";

const LIMITS: HttpLimits =
    HttpLimits { total: Duration::from_secs(10), connect: Duration::from_secs(5), body_bytes_max: 1024 * 1024 };

/// As much of a comment is kept.
const COMMENT_CHARS_MAX: usize = 500;

impl GithubRun {
    /// `None` outside of a run.
    ///
    /// # Errors
    /// Which variable is missing or unusable.
    pub fn new(variables: &GithubVariables<'_>) -> Option<Result<Self, Message>> {
        variables.run_id.map(|run_id| Self::of(run_id, variables))
    }

    fn of(run_id: &str, variables: &GithubVariables<'_>) -> Result<Self, Message> {
        let unusable = |name: &'static str| message!("github-variable", name = name);
        let run_id: i64 = run_id.parse().ok().filter(|id| *id > 0).ok_or_else(|| unusable("GITHUB_RUN_ID"))?;
        let attempt = variables.attempt.unwrap_or("1").parse().ok().filter(|attempt| *attempt > 0);
        let repository =
            variables.repository.filter(|it| is_repository(it)).ok_or_else(|| unusable("GITHUB_REPOSITORY"))?;
        let token = variables.token.ok_or_else(|| unusable("GITHUB_TOKEN"))?;
        let api_url = variables.api_url.unwrap_or(API_URL).trim_end_matches('/');
        let reviews = Url::parse(&format!("{api_url}/repos/{repository}/actions/runs/{run_id}/approvals"))
            .ok()
            .filter(|url| url.is_https() || is_loopback(url.host()))
            .ok_or_else(|| unusable("GITHUB_API_URL"))?;
        Ok(Self {
            reviews,
            repository: repository.to_owned(),
            run_id,
            attempt: attempt.ok_or_else(|| unusable("GITHUB_RUN_ATTEMPT"))?,
            token: Secret::new(token),
        })
    }

    /// `owner/name`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    pub const fn run_id(&self) -> i64 {
        self.run_id
    }

    /// From one, with each time that the run is run again.
    pub const fn attempt(&self) -> i32 {
        self.attempt
    }

    /// The reviews of one environment's jobs in this run, as they are now.
    ///
    /// # Errors
    /// Why they are not known. GitHub's own words are not told, and never the token.
    pub async fn reviews(&self, environment: &str) -> Result<Vec<GithubReview>, Message> {
        let mut request = HttpRequest::get(self.reviews.clone());
        request.limits = LIMITS;
        let bearer = Header::new("authorization", Secret::new(format!("Bearer {}", self.token.reveal())));
        request.headers.push(bearer.ok_or_else(|| message!("github-variable", name = "GITHUB_TOKEN"))?);
        let plain = [("accept", "application/vnd.github+json"), ("x-github-api-version", API_VERSION)];
        request.headers.extend(plain.into_iter().filter_map(|(name, value)| Header::new(name, Secret::new(value))));
        let mut client = Client::new(request);
        let mut watch = Stopwatch::start();
        let exchange = client.exchange(&mut watch).await.map_err(|failure| {
            let address = client.address().map(|address| address.to_string()).unwrap_or_default();
            message!("github-unreachable", reason = failure.message(&watch, &address))
        })?;
        match exchange.status {
            200 => read(&exchange.body, environment).ok_or_else(|| message!("github-unreadable")),
            status @ (401 | 403 | 404) => Err(message!("github-forbidden", status = status)),
            status => Err(message!("github-status", status = status)),
        }
    }
}

fn is_repository(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.chars().all(|c| c == '.')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    text.split_once('/').is_some_and(|(owner, name)| is_name(owner) && is_name(name))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `None` for what is not an answer as GitHub describes it: of half an answer nothing counts.
fn read(body: &[u8], environment: &str) -> Option<Vec<GithubReview>> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let mut reviews = Vec::new();
    for one in answer.as_array()? {
        let state = ReviewState::from_name(one["state"].as_str()?)?;
        let names = one["environments"].as_array()?.iter().map(|it| it["name"].as_str());
        let names = names.collect::<Option<Vec<_>>>()?;
        // GitHub tells no two environments apart by their case.
        if !names.iter().any(|name| name.eq_ignore_ascii_case(environment)) {
            continue;
        }
        let comment = one["comment"].as_str().unwrap_or_default();
        let comment = comment.split_whitespace().collect::<Vec<_>>().join(" ");
        reviews.push(GithubReview {
            state,
            // The account may be gone.
            login: one["user"]["login"].as_str().unwrap_or_default().to_owned(),
            comment: comment.chars().filter(|c| !c.is_control()).take(COMMENT_CHARS_MAX).collect(),
        });
    }
    Some(reviews)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_answer_counts() {
        let one = |state: &str, name: &str| {
            format!(
                r#"{{"state": "{state}", "comment": " a\nb ", "environments": [{{"name": "{name}"}}], "user": {{"login": "alice"}}}}"#
            )
        };
        let text = format!("[{}, {}]", one("approved", "Contract"), one("approved", "staging"));
        let alice = GithubReview { state: ReviewState::Approved, login: "alice".into(), comment: "a b".into() };
        assert_eq!(read(text.as_bytes(), "contract"), Some(vec![alice]));
        assert_eq!(read(b"[]", "contract"), Some(Vec::new()));
        let odd = one("maybe", "contract");
        for bad in ["", "{}", "null", "[1]", "[{}]", "<html>", r#"{"message": "Not Found"}"#, &format!("[{odd}]")] {
            assert_eq!(read(bad.as_bytes(), "contract"), None, "{bad}");
        }
    }

    #[test]
    fn what_the_environment_says_is_checked_and_the_token_is_hidden() {
        let good = GithubVariables {
            api_url: None,
            repository: Some("shop/app"),
            run_id: Some("7"),
            attempt: Some("2"),
            token: Some("hunter2"),
        };
        let run = GithubRun::new(&good).expect("a run").expect("usable");
        assert_eq!(run.reviews.to_string(), "https://api.github.com/repos/shop/app/actions/runs/7/approvals");
        assert!(!format!("{run:?}").contains("hunter2"));
        let variable =
            |variables: GithubVariables<'_>| GithubRun::new(&variables).map(|run| run.err().map(|it| it.to_string()));
        assert_eq!(variable(GithubVariables { run_id: None, ..good.clone() }), None, "outside of a run");
        for (variables, name) in [
            (GithubVariables { run_id: Some("../7"), ..good.clone() }, "GITHUB_RUN_ID"),
            (GithubVariables { attempt: Some("0"), ..good.clone() }, "GITHUB_RUN_ATTEMPT"),
            (GithubVariables { repository: None, ..good.clone() }, "GITHUB_REPOSITORY"),
            (GithubVariables { repository: Some("shop/.."), ..good.clone() }, "GITHUB_REPOSITORY"),
            (GithubVariables { repository: Some("shop/app/x"), ..good.clone() }, "GITHUB_REPOSITORY"),
            (GithubVariables { token: None, ..good.clone() }, "GITHUB_TOKEN"),
            (GithubVariables { api_url: Some("http://ghe.example/api"), ..good.clone() }, "GITHUB_API_URL"),
            (GithubVariables { api_url: Some("https://me:pw@ghe.example"), ..good.clone() }, "GITHUB_API_URL"),
        ] {
            assert_eq!(variable(variables), Some(Some(format!("github-variable name=\"{name}\""))));
        }
        assert_eq!(variable(GithubVariables { api_url: Some("http://127.0.0.1:1/x"), ..good }), Some(None));
    }
}
