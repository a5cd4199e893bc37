//! The gates before stage 2, asked of the ledger.

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, GateReport, Message, PlanDigest, Stage};
use lockkeeper_core::parse::MigrationPair;
use lockkeeper_core::plan::{PlannedMigration, plan_migration};
use lockkeeper_core::release::{
    ApprovalDocument, ApprovalStanding, BackupInputs, BackupRule, GateInputs, stage2_gates,
};

use crate::ledger::{ApprovalRecord, LedgerSnapshot};
use crate::signature::{ADMIN, AllowedSigners, verify};

/// What the gates need besides the ledger.
#[derive(Debug, Clone, Default)]
pub struct GateContext {
    /// Who may approve. `None` when there is no such file: then nobody may.
    pub allowed: Option<AllowedSigners>,
    /// Whether the author of a release may approve it.
    pub author_may_approve: bool,
    /// The authors of the pending migrations, as version control knows them.
    pub authors: Vec<String>,
    /// Why version control cannot tell them, although it should.
    pub authors_unknown: Option<Message>,
    /// The database's name, as the approval names it.
    pub database: String,
    /// What is asked of a backup; `None` when none is.
    pub backup: Option<BackupRule>,
}

/// Stage-2 migrations that stopped between their steps, as their files are now. An approval covers them too: what
/// was mended must be signed again.
///
/// # Errors
/// A file that cannot be planned.
pub fn stopped_in_stage2(snapshot: &LedgerSnapshot, pairs: &[MigrationPair]) -> Answer<Vec<PlannedMigration>> {
    let applied = snapshot.applied.iter().filter(|row| !row.undoing).map(|row| &row.migration);
    let stopped = applied.filter(|migration| migration.stage == Stage::Contract && !migration.complete);
    stopped
        .filter_map(|migration| pairs.iter().find(|pair| pair.number == migration.number))
        .map(plan_migration)
        .collect()
}

/// Every gate before stage 2. `pending` are all migrations that are not applied.
pub fn gate_reports(
    snapshot: &LedgerSnapshot,
    pending: &[PlannedMigration],
    plan: PlanDigest,
    context: &GateContext,
) -> Vec<GateReport> {
    let stage1_pending = pending
        .iter()
        .filter(|migration| migration.stage() == Stage::Expand)
        .map(|migration| migration.number.to_string())
        .chain(
            snapshot
                .applied
                .iter()
                .filter(|it| !it.migration.complete && it.migration.stage == Stage::Expand)
                .map(|it| it.migration.number.to_string()),
        )
        .collect();
    stage2_gates(&GateInputs {
        stage1_pending,
        deployed: snapshot.open_release().and_then(|release| release.deployed_version.clone()),
        backup: context.backup.map(|rule| BackupInputs { rule, known: snapshot.backups.clone() }),
        approval: approval_standing(snapshot, context),
        plan,
    })
}

/// How the newest approval stands today, by today's allowed signers.
pub fn approval_standing(snapshot: &LedgerSnapshot, context: &GateContext) -> ApprovalStanding {
    let unused = snapshot.approval.as_ref().filter(|approval| !approval.is_used);
    let (Some(approval), Some(release)) = (unused, snapshot.open_release()) else {
        return ApprovalStanding::None;
    };
    let by = approval.principal.clone();
    let void = |reason: Message| ApprovalStanding::Void { by: approval.principal.clone(), reason };
    let Some(document) = ApprovalDocument::parse(&approval.document) else {
        return void(message!("approval-unreadable"));
    };
    if !is_of_here(&document, approval, snapshot, context) {
        return void(message!("approval-elsewhere", database = document.database, release = document.release_id));
    }
    if document.expires_at <= snapshot.now {
        return void(message!("approval-expired", at = document.expires_at.to_string()));
    }
    if let Some(reason) = author_objection(&by, &release.authors, context) {
        return void(reason);
    }
    let Some(allowed) = &context.allowed else { return void(message!("approval-no-signers")) };
    match verify(allowed, ADMIN, &by, &approval.document, &approval.signature, snapshot.now) {
        Ok(signer) => ApprovalStanding::Valid { by: signer.principal, plan: document.plan },
        Err(reason) => void(reason),
    }
}

/// The plan that the newest approval's signature names, if it held when it was recorded. An approval that ran
/// out since still lets the stage 2 go on that began under it.
pub fn signed_plan(snapshot: &LedgerSnapshot, context: &GateContext) -> Option<PlanDigest> {
    let approval = snapshot.approval.as_ref()?;
    let document = ApprovalDocument::parse(&approval.document)?;
    let allowed = context.allowed.as_ref()?;
    let here = is_of_here(&document, approval, snapshot, context);
    let signed =
        verify(allowed, ADMIN, &approval.principal, &approval.document, &approval.signature, approval.approved_at);
    (here && signed.is_ok()).then_some(document.plan)
}

/// Whether an approval was made for this ledger, database and release, by the one whose row it is.
fn is_of_here(
    document: &ApprovalDocument,
    approval: &ApprovalRecord,
    snapshot: &LedgerSnapshot,
    context: &GateContext,
) -> bool {
    document.ledger_id == snapshot.ledger_id
        && snapshot.open_release().is_some_and(|release| document.release_id == release.id)
        && document.database == context.database
        && document.approver == approval.principal
}

/// Why a principal may not approve: it wrote or ran what it would approve.
pub fn author_objection(principal: &str, release_authors: &[String], context: &GateContext) -> Option<Message> {
    if context.author_may_approve {
        return None;
    }
    let is_author = release_authors.iter().chain(&context.authors).any(|author| author.eq_ignore_ascii_case(principal));
    if is_author {
        return Some(message!("approval-by-author", by = principal));
    }
    // Whoever cannot see the authors cannot say that the approver is none of them.
    context.authors_unknown.clone()
}
