//! Rows of reviews on GitHub: since when one is waited for, and the one that approved.

use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::model::{Answer, PlanDigest};
use lockkeeper_core::release::{GithubReview, ReviewState};
use serde_json::{Value, json};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::sql::{Param, broken, query, timestamp};
use crate::postgres::{Connection, SqlError};

/// Which review is waited for: the plan that it is to approve, and the run in which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubWait<'a> {
    pub release_id: i64,
    pub plan: PlanDigest,
    /// `owner/name`.
    pub repository: &'a str,
    pub run_id: i64,
    pub attempt: i32,
    pub environment: &'a str,
}

/// A review that approved.
#[derive(Debug, Clone)]
pub struct GithubApprovalRecord {
    /// Whether a stage 2 began under it: it opens no other.
    pub is_used: bool,
    pub release_id: i64,
    pub plan: Option<PlanDigest>,
    pub login: String,
    pub principal: String,
    pub comment: String,
    pub repository: String,
    pub run_id: i64,
    pub environment: String,
    pub recorded_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A review that approves, to be recorded.
#[derive(Debug, Clone)]
pub struct NewGithubApproval<'a> {
    pub login: &'a str,
    pub principal: &'a str,
    pub comment: &'a str,
    pub expires_after: Duration,
    pub actor: &'a str,
}

/// Reviews as a wait keeps them.
fn reviews_to_text(reviews: &[GithubReview]) -> String {
    let review = |it: &GithubReview| json!([it.state.as_str(), it.login, it.comment]);
    Value::Array(reviews.iter().map(review).collect()).to_string()
}

fn reviews_from_text(text: &str) -> Option<Vec<GithubReview>> {
    let rows: Vec<(String, String, String)> = serde_json::from_str(text).ok()?;
    let review = |(state, login, comment): (String, String, String)| {
        Some(GithubReview { state: ReviewState::from_name(&state)?, login, comment })
    };
    rows.into_iter().map(review).collect()
}

/// The reviews that the run had when the wait began; `None` when nobody waits yet.
pub async fn read_github_wait(
    connection: &Connection,
    wait: &GithubWait<'_>,
) -> Result<Option<Answer<Vec<GithubReview>>>, SqlError> {
    let plan = wait.plan.to_string();
    let rows = query(connection, include_str!("sql/read_github_wait.sql"), &key(wait, &plan)).await?;
    Ok(rows.first().map(|row| reviews_from_text(row.get("reviews")).ok_or_else(|| broken("github_waits.reviews"))))
}

/// Begins to wait, in the transaction that is open. Whoever began before stays.
pub async fn begin_github_wait(
    connection: &Connection,
    wait: &GithubWait<'_>,
    reviews: &[GithubReview],
    actor: &str,
) -> Result<(), SqlError> {
    let (plan, text) = (wait.plan.to_string(), reviews_to_text(reviews));
    let approved = reviews.iter().filter(|review| review.state == ReviewState::Approved).count();
    let approved = i32::try_from(approved).unwrap_or(i32::MAX);
    let more: [Param<'_>; 4] =
        [(&wait.attempt, Type::INT4), (&approved, Type::INT4), (&text, Type::TEXT), (&actor, Type::TEXT)];
    let params: Vec<Param<'_>> = key(wait, &plan).into_iter().chain(more).collect();
    query(connection, include_str!("sql/begin_github_wait.sql"), &params).await.map(|_| ())
}

/// Records an approval with its event, in the transaction that is open, and counts the reviews that there are from now
/// on as those that were there before. `false` when somebody else has done so since `before` was read.
pub async fn insert_github_approval(
    connection: &Connection,
    wait: &GithubWait<'_>,
    before: &[GithubReview],
    now: &[GithubReview],
    new: &NewGithubApproval<'_>,
) -> Result<bool, SqlError> {
    let (plan, before, now) = (wait.plan.to_string(), reviews_to_text(before), reviews_to_text(now));
    let expires_s = new.expires_after.as_secs_f64();
    let more: [Param<'_>; 8] = [
        (&before, Type::TEXT),
        (&now, Type::TEXT),
        (&wait.attempt, Type::INT4),
        (&new.login, Type::TEXT),
        (&new.principal, Type::TEXT),
        (&new.comment, Type::TEXT),
        (&expires_s, Type::FLOAT8),
        (&new.actor, Type::TEXT),
    ];
    let params: Vec<Param<'_>> = key(wait, &plan).into_iter().chain(more).collect();
    let rows = query(connection, include_str!("sql/insert_github_approval.sql"), &params).await?;
    Ok(!rows.is_empty())
}

fn key<'p>(wait: &'p GithubWait<'_>, plan: &'p String) -> [Param<'p>; 5] {
    [
        (&wait.release_id, Type::INT8),
        (plan, Type::TEXT),
        (&wait.repository, Type::TEXT),
        (&wait.run_id, Type::INT8),
        (&wait.environment, Type::TEXT),
    ]
}

/// One approval opens one stage 2, once.
pub async fn mark_github_approvals_used(connection: &Connection, release_id: i64) -> Result<(), SqlError> {
    let sql = "UPDATE lockkeeper.github_approvals SET used_at = pg_catalog.clock_timestamp()
               WHERE release_id = $1 AND used_at IS NULL";
    query(connection, sql, &[(&release_id, Type::INT8)]).await.map(|_| ())
}

pub(super) fn github_approval(row: &Row) -> Answer<GithubApprovalRecord> {
    Ok(GithubApprovalRecord {
        is_used: row.get("is_used"),
        release_id: row.get("release_id"),
        plan: PlanDigest::parse(row.get("plan_digest")),
        login: row.get("login"),
        principal: row.get("principal"),
        comment: row.get("comment"),
        repository: row.get("repository"),
        run_id: row.get("run_id"),
        environment: row.get("environment"),
        recorded_at: timestamp(row, "recorded_at")?,
        expires_at: timestamp(row, "expires_at")?,
    })
}
