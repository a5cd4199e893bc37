//! Looks for a review on GitHub that approves stage 2, and records it.

use std::time::Duration;

use jiff::SignedDuration;
use lockkeeper_core::message;
use lockkeeper_core::model::{About, Answer, GateReport, Message, PlanDigest, Problem};
use lockkeeper_core::parse::MigrationPair;
use lockkeeper_core::plan::PlannedMigration;
use lockkeeper_core::release::{ApprovalStanding, GithubRule, GithubVerdict, OnGithub, judge_reviews};

use super::gates::{GateContext, Stage2Plan, approval_standing, ask_stage2, author_objection, since};
use super::session::Session;
use super::write::write;
use crate::github::GithubRun;
use crate::ledger::{
    GithubApprovalRecord, GithubWait, LedgerSnapshot, NewGithubApproval, ReleaseRecord, begin_github_wait,
    insert_github_approval, read, read_github_wait, read_problem,
};

/// Reviews on GitHub approve, by this rule.
#[derive(Debug, Clone)]
pub struct GithubGate {
    pub rule: GithubRule,
    /// How long an approval holds.
    pub expires_after: Duration,
    /// The run that this process is part of, or what is wrong with what the environment says of it; `None` outside of
    /// one: there nothing is asked, and what is recorded counts.
    pub run: Option<Result<GithubRun, Message>>,
}

/// Every gate before stage 2, with GitHub asked first where the settings say so and nothing approves yet.
///
/// # Errors
/// When the ledger cannot be read or written. That GitHub does not answer is none: the gate stays closed and says why.
pub async fn ask_stage2_and_reviews(
    session: &Session,
    snapshot: &LedgerSnapshot,
    pairs: &[MigrationPair],
    stopped: &[PlannedMigration],
    pending: &[PlannedMigration],
    context: &GateContext,
) -> Answer<Vec<GateReport>> {
    let plan = Stage2Plan::new(&snapshot.ledger_id, stopped, pending).digest;
    let connection = &session.connection;
    match look_for_review(session, snapshot, plan, context).await? {
        Found::Nothing => ask_stage2(connection, snapshot, pairs, stopped, pending, context, None).await,
        Found::Not(reason) => ask_stage2(connection, snapshot, pairs, stopped, pending, context, Some(reason)).await,
        Found::Recorded => {
            let snapshot = read(connection).await?;
            let snapshot = snapshot.ok_or_else(|| Problem::refused(message!("release-moved")))?;
            ask_stage2(connection, &snapshot, pairs, stopped, pending, context, None).await
        }
    }
}

/// What asking came to.
enum Found {
    /// It was not asked.
    Nothing,
    Not(Message),
    /// An approval is in the ledger, by us or by somebody who looked at the same time.
    Recorded,
}

async fn look_for_review(
    session: &Session,
    snapshot: &LedgerSnapshot,
    plan: PlanDigest,
    context: &GateContext,
) -> Answer<Found> {
    let (Some(gate), Some(release)) = (&context.github, snapshot.open_release()) else { return Ok(Found::Nothing) };
    let is_approved = matches!(approval_standing(snapshot, context, plan), ApprovalStanding::Valid { plan: named, .. } if named == plan);
    let run = match &gate.run {
        None => return Ok(Found::Nothing),
        Some(_) if is_approved => return Ok(Found::Nothing),
        Some(Err(reason)) => return Ok(Found::Not(reason.clone())),
        Some(Ok(run)) => run,
    };
    let reviews = match run.reviews(gate.rule.environment()).await {
        Ok(reviews) => reviews,
        Err(reason) => return Ok(Found::Not(reason)),
    };
    let wait = GithubWait {
        release_id: release.id,
        plan,
        repository: run.repository(),
        run_id: run.run_id(),
        attempt: run.attempt(),
        environment: gate.rule.environment(),
    };
    let (connection, actor) = (&session.connection, session.holder.actor.as_str());
    let failed = |error: crate::postgres::SqlError| read_problem(&error, connection);
    let Some(before) = read_github_wait(connection, &wait).await.map_err(failed)?.transpose()? else {
        write(connection, async |connection| begin_github_wait(connection, &wait, &reviews, actor).await).await?;
        return Ok(Found::Not(message!("github-none-yet", environment = wait.environment)));
    };
    let objection = |principal: &str| author_objection(principal, &release.authors, context);
    let (login, principal, comment) = match judge_reviews(&gate.rule, &reviews, &before, objection) {
        GithubVerdict::Approved { login, principal, comment } => (login, principal, comment),
        GithubVerdict::NotApproved(reason) => return Ok(Found::Not(reason)),
    };
    let ends = SignedDuration::try_from(gate.expires_after).ok().and_then(|after| snapshot.now.checked_add(after).ok());
    if ends.is_none() {
        return Err(Problem::usage(message!("approve-expiry-too-far")));
    }
    let new = NewGithubApproval {
        login: &login,
        principal: &principal,
        comment: &comment,
        expires_after: gate.expires_after,
        actor,
    };
    write(connection, async |connection| {
        if insert_github_approval(connection, &wait, &before, &reviews, &new).await? {
            let (about, said) = (About::approval(release.id), message!("alert-approval-given"));
            session.routes.resolve_below(connection, about.as_str(), &said).await?;
        }
        Ok(())
    })
    .await?;
    Ok(Found::Recorded)
}

/// How the newest review in the ledger stands today, by today's settings.
pub fn review_standing(snapshot: &LedgerSnapshot, context: &GateContext) -> ApprovalStanding {
    let unused = snapshot.github_approval.as_ref().filter(|approval| !approval.is_used);
    let (Some(approval), Some(release)) = (unused, snapshot.open_release()) else { return ApprovalStanding::None };
    let by = approval.principal.clone();
    let void = |reason: Message| ApprovalStanding::Void { by: approval.principal.clone(), reason };
    let Some(plan) = approval.plan.filter(|_| counts(approval, release, context)) else {
        return void(message!("github-not-allowed", login = approval.login.as_str()));
    };
    if approval.expires_at <= snapshot.now {
        return void(message!("approval-expired", at = approval.expires_at.to_string()));
    }
    if let Some(reason) = author_objection(&by, &release.authors, context) {
        return void(reason);
    }
    ApprovalStanding::Valid {
        by,
        plan,
        age: since(snapshot.now, approval.recorded_at),
        reason: approval.comment.clone(),
        waives: Vec::new(),
        on_github: Some(OnGithub {
            login: approval.login.clone(),
            environment: approval.environment.clone(),
            repository: approval.repository.clone(),
            run_id: approval.run_id,
        }),
    }
}

/// The plan that the review approved under which a stage 2 began. One that ran out since still lets that go on.
pub fn reviewed_plan(snapshot: &LedgerSnapshot, context: &GateContext) -> Option<PlanDigest> {
    let approval = snapshot.github_approval.as_ref().filter(|approval| approval.is_used)?;
    let release = snapshot.open_release()?;
    approval.plan.filter(|_| counts(approval, release, context))
}

/// Whether the settings still say that whoever reviewed it there may approve.
fn counts(approval: &GithubApprovalRecord, release: &ReleaseRecord, context: &GateContext) -> bool {
    let rule = context.github.as_ref().map(|gate| &gate.rule);
    approval.release_id == release.id
        && rule.is_some_and(|rule| {
            rule.environment().eq_ignore_ascii_case(&approval.environment)
                && rule.principal(&approval.login) == Some(approval.principal.as_str())
        })
}
