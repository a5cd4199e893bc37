//! The gates before both stages, asked of the ledger: the same for whoever runs a stage by hand, and for a release that
//! drives itself.

use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, GateReport, Message, PlanDigest, Problem, Stage};
use lockkeeper_core::parse::MigrationPair;
use lockkeeper_core::plan::{PlanEntry, PlannedMigration, plan_migration, stage2_digest};
use lockkeeper_core::release::{
    ApprovalDocument, ApprovalStanding, BackupInputs, BackupRule, GateInputs, HealthInputs, HealthRule, Tried,
    VerifyInputs, stage1_gates, stage2_gates,
};

use super::github_approval::{GithubGate, review_standing};
use crate::ledger::{ApprovalRecord, LedgerSnapshot, VerifiedFiles, read_verifications};
use crate::postgres::Connection;
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
    /// Whether what a stage runs must have been tried in a shadow.
    pub verify: bool,
    /// What is asked of a watch; `None` when none is.
    pub health: Option<HealthRule>,
    /// What is asked of a backup; `None` when none is.
    pub backup: Option<BackupRule>,
    /// Whose reviews on GitHub approve; `None` where none does.
    pub github: Option<GithubGate>,
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

/// Every gate before stage 1, of what it would run.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn ask_stage1<'m>(
    connection: &Connection,
    snapshot: Option<&LedgerSnapshot>,
    pairs: &[MigrationPair],
    due: impl Iterator<Item = &'m PlannedMigration>,
    context: &GateContext,
) -> Answer<Vec<GateReport>> {
    if !context.verify {
        return Ok(Vec::new());
    }
    let verified = read_verifications(connection, pairs).await?;
    Ok(stage1_gates(Some(&verify_inputs(&verified, due, snapshot.map(|snapshot| snapshot.now)))))
}

/// What stage 2 would run, and the digest that an approval of it names.
pub struct Stage2Plan<'p> {
    pub migrations: Vec<&'p PlannedMigration>,
    pub digest: PlanDigest,
}

impl<'p> Stage2Plan<'p> {
    /// `stopped` between their steps in an earlier run, and `pending`, of which those of stage 2 count.
    pub fn new(ledger_id: &str, stopped: &'p [PlannedMigration], pending: &'p [PlannedMigration]) -> Self {
        let is_contract = |it: &&PlannedMigration| it.stage() == Stage::Contract;
        let migrations: Vec<_> = stopped.iter().chain(pending).filter(is_contract).collect();
        let digest = stage2_digest(ledger_id, migrations.iter().map(|migration| PlanEntry::from(*migration)));
        Self { migrations, digest }
    }
}

/// Every gate before stage 2. `stopped` are those that stopped between their steps, `pending` all that are not applied;
/// `not_reviewed` is why no review on GitHub approves, where one was looked for.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn ask_stage2(
    connection: &Connection,
    snapshot: &LedgerSnapshot,
    pairs: &[MigrationPair],
    stopped: &[PlannedMigration],
    pending: &[PlannedMigration],
    context: &GateContext,
    not_reviewed: Option<Message>,
) -> Answer<Vec<GateReport>> {
    let plan = Stage2Plan::new(&snapshot.ledger_id, stopped, pending);
    let verify = if context.verify {
        let verified = read_verifications(connection, pairs).await?;
        Some(verify_inputs(&verified, plan.migrations.iter().copied(), Some(snapshot.now)))
    } else {
        None
    };
    let half_done = |it: &&crate::ledger::AppliedRecord| !it.migration.complete && it.migration.stage == Stage::Expand;
    let stage1_pending = pending
        .iter()
        .filter(|migration| migration.stage() == Stage::Expand)
        .map(|migration| migration.number.to_string())
        .chain(snapshot.applied.iter().filter(half_done).map(|it| it.migration.number.to_string()))
        .collect();
    let release = snapshot.open_release();
    Ok(stage2_gates(&GateInputs {
        stage1_pending,
        deployed: release
            .and_then(|release| Some((release.deployed_version.clone()?, since(snapshot.now, release.deployed_at?)))),
        verify,
        health: health_inputs(snapshot, context),
        backup: context.backup.map(|rule| BackupInputs { rule, known: snapshot.backups.clone() }),
        approval: match (approval_standing(snapshot, context, plan.digest), not_reviewed) {
            (ApprovalStanding::None, Some(reason)) => ApprovalStanding::NotReviewed { reason },
            (standing, _) => standing,
        },
        plan: plan.digest,
    }))
}

/// What the health gate goes by; `None` where it is not asked.
pub fn health_inputs(snapshot: &LedgerSnapshot, context: &GateContext) -> Option<HealthInputs> {
    context.health.map(|rule| HealthInputs { rule, watch: snapshot.watch.clone() })
}

/// The refusal of a stage whose gates are not all open, with what each says and the way out of the first.
///
/// # Errors
/// A gate that does not say yes.
pub fn refuse_closed(stage: Stage, reports: &[GateReport]) -> Answer<()> {
    let closed: Vec<&GateReport> = reports.iter().filter(|report| !report.verdict.is_open()).collect();
    let Some(first) = closed.first() else { return Ok(()) };
    let mut problem = Problem::refused(match stage {
        Stage::Expand => message!("stage1-closed", count = closed.len()),
        Stage::Contract => message!("stage2-closed", count = closed.len()),
    });
    problem.notes = closed.iter().map(|report| report.evidence.clone()).collect();
    problem.hints.extend(first.way_out.clone());
    Err(problem)
}

fn verify_inputs<'m>(
    verified: &VerifiedFiles,
    due: impl Iterator<Item = &'m PlannedMigration>,
    now: Option<Timestamp>,
) -> VerifyInputs {
    let records: Vec<_> = due.map(|it| (it.number, verified.known.get(&it.number))).collect();
    let last = records.iter().filter_map(|(_, record)| *record).max_by_key(|record| record.run);
    let orders_agree = last.and_then(|record| record.orders_agree);
    let found = |record: &crate::ledger::VerificationRecord| {
        (record.verdict, now.map_or(Duration::ZERO, |now| since(now, record.verified_at)))
    };
    let tried = records.iter().map(|(number, record)| Tried { number: number.to_string(), found: record.map(found) });
    VerifyInputs { files: tried.collect(), orders_agree }
}

pub fn since(now: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}

/// How the newest approval of a plan stands today: the one that is signed, or else a review on GitHub.
pub fn approval_standing(snapshot: &LedgerSnapshot, context: &GateContext, plan: PlanDigest) -> ApprovalStanding {
    let names_it = |it: &ApprovalStanding| matches!(it, ApprovalStanding::Valid { plan: named, .. } if *named == plan);
    let (signed, reviewed) = (signed_standing(snapshot, context), review_standing(snapshot, context));
    let counts_less = signed == ApprovalStanding::None || names_it(&reviewed);
    if counts_less && !names_it(&signed) { reviewed } else { signed }
}

/// How the newest signed approval stands today, by today's allowed signers.
fn signed_standing(snapshot: &LedgerSnapshot, context: &GateContext) -> ApprovalStanding {
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
        Ok(signer) => ApprovalStanding::Valid {
            by: signer.principal,
            plan: document.plan,
            age: since(snapshot.now, approval.approved_at),
            reason: document.reason,
            waives: document.waives,
            on_github: None,
        },
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
