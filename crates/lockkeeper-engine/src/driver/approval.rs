//! Approving stage 2: what is approved, told in full; then the signature, verified before it is recorded.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lockkeeper_core::message;
use lockkeeper_core::model::{About, Answer, Gate, PlanDigest, Problem, Stage};
use lockkeeper_core::parse::MigrationPair;
use lockkeeper_core::plan::{PlanEntry, PlannedMigration, plan_migration, stage2_digest, survey};
use lockkeeper_core::release::ApprovalDocument;

use super::gates::{GateContext, author_objection, stopped_in_stage2};
use super::progress::Reporter;
use super::session::Session;
use crate::ledger::{LedgerSnapshot, NewApproval, insert_approval, read};
use crate::postgres::Connection;
use crate::signature::{ADMIN, verify};

/// All that an approver must see before signing.
#[derive(Debug, Clone)]
pub struct ApprovalRequest {
    pub document: ApprovalDocument,
    pub migrations: Vec<PlannedMigration>,
    pub deployed_version: Option<String>,
    pub now: Timestamp,
}

impl ApprovalRequest {
    pub const fn plan(&self) -> PlanDigest {
        self.document.plan
    }
}

/// Gathers what an approval of stage 2 would cover.
///
/// # Errors
/// Nothing to approve, files that do not fit the ledger, an approver who may not.
pub async fn prepare_approval(
    connection: &Connection,
    pairs: &[MigrationPair],
    approver: &str,
    reason: &str,
    waives: &[Gate],
    expires_after: Duration,
    context: &GateContext,
) -> Answer<ApprovalRequest> {
    let nothing = || Problem::refused(message!("approve-nothing")).hint(message!("next-stage1"));
    let Some(snapshot) = read(connection).await? else { return Err(nothing()) };
    let migrations = stage2_pending(&snapshot, pairs)?;
    let Some(release) = snapshot.open_release().filter(|_| !migrations.is_empty()) else { return Err(nothing()) };
    if let Some(objection) = author_objection(approver, &release.authors, context) {
        return Err(Problem::refused(objection).hint(message!("approval-by-author-hint")));
    }
    let expires_at = SignedDuration::try_from(expires_after)
        .ok()
        .and_then(|after| snapshot.now.checked_add(after).ok())
        .and_then(|at| at.round(jiff::Unit::Second).ok())
        .ok_or_else(|| Problem::usage(message!("approve-expiry-too-far")))?;
    Ok(ApprovalRequest {
        document: ApprovalDocument {
            database: context.database.clone(),
            ledger_id: snapshot.ledger_id.clone(),
            release_id: release.id,
            plan: stage2_digest(&snapshot.ledger_id, migrations.iter().map(PlanEntry::from)),
            approver: approver.to_owned(),
            waives: Gate::ALL.into_iter().filter(|gate| waives.contains(gate)).collect(),
            expires_at,
            reason: reason.to_owned(),
        },
        deployed_version: release.deployed_version.clone(),
        migrations,
        now: snapshot.now,
    })
}

/// The migrations that stage 2 would run, in order.
fn stage2_pending(snapshot: &LedgerSnapshot, pairs: &[MigrationPair]) -> Answer<Vec<PlannedMigration>> {
    let survey = survey(pairs, &snapshot.applied_migrations());
    if let Some(problem) = Problem::all(survey.problems) {
        return Err(problem);
    }
    let mut due = stopped_in_stage2(snapshot, pairs)?;
    let planned = survey.pending.into_iter().map(plan_migration).collect::<Answer<Vec<_>>>()?;
    due.extend(planned.into_iter().filter(|migration| migration.stage() == Stage::Contract));
    Ok(due)
}

/// Verifies the signature and records the approval.
///
/// # Errors
/// A signature that does not hold is refused and leaves no trace.
pub async fn record_approval(
    session: &Session,
    request: &ApprovalRequest,
    signature: &str,
    context: &GateContext,
    report: &mut Reporter<'_>,
) -> Answer<()> {
    let document = request.document.to_text();
    let refused =
        |reason| Problem::refused(message!("approve-refused", reason = reason)).note(message!("nothing-changed"));
    let Some(allowed) = &context.allowed else { return Err(refused(message!("approval-no-signers"))) };
    let signer =
        verify(allowed, ADMIN, &request.document.approver, &document, signature, request.now).map_err(refused)?;
    let waives: Vec<&str> = request.document.waives.iter().map(|gate| gate.as_str()).collect();
    let lease = session.lease("approve", report).await?;
    let recorded = session
        .record(&lease, async |connection, _| {
            insert_approval(
                connection,
                &NewApproval {
                    release_id: request.document.release_id,
                    plan: request.document.plan,
                    principal: &signer.principal,
                    key_fingerprint: &signer.fingerprint,
                    document: &document,
                    signature,
                    reason: &request.document.reason,
                    waives: &waives,
                    expires_at: request.document.expires_at,
                    actor: &session.holder.actor,
                },
            )
            .await?;
            let about = About::approval(request.document.release_id);
            session.routes.resolve_below(connection, about.as_str(), &message!("alert-approval-given")).await
        })
        .await;
    lease.release(&session.connection).await;
    recorded
}
