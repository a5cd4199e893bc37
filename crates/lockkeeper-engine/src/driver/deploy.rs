//! Recording that the new code is out.

use lockkeeper_core::message;
use lockkeeper_core::model::{About, Alert, AlertKind, Answer, FactName, Problem, Stage};
use lockkeeper_core::parse::MigrationPair;
use lockkeeper_core::plan::{plan_up, survey};
use lockkeeper_core::release::{Drive, Event, ReleaseState, next};

use super::progress::Reporter;
use super::session::Session;
use crate::ledger::{Lease, read, set_deployed, set_state};

/// What recording a deploy came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deployed {
    /// No release waits for a deploy; nothing was written.
    NothingWaits,
    Recorded {
        release_id: i64,
        state: ReleaseState,
    },
}

/// Records that `version` is deployed and answers requests.
///
/// # Errors
/// A release whose stage 1 is not complete, and a lease that somebody else holds.
pub async fn record_deploy(
    session: &Session,
    pairs: &[MigrationPair],
    version: &str,
    report: &mut Reporter<'_>,
) -> Answer<Deployed> {
    let Some(snapshot) = read(&session.connection).await? else { return Ok(Deployed::NothingWaits) };
    if snapshot.open_release().is_none() {
        return Ok(Deployed::NothingWaits);
    }
    let lease = session.lease("deployed", report).await?;
    let recorded = record(session, &lease, pairs, version).await;
    lease.release(&session.connection).await;
    recorded
}

async fn record(session: &Session, lease: &Lease, pairs: &[MigrationPair], version: &str) -> Answer<Deployed> {
    let Some(snapshot) = read(&session.connection).await? else { return Ok(Deployed::NothingWaits) };
    let Some(release) = snapshot.open_release() else { return Ok(Deployed::NothingWaits) };
    if release.drive == Drive::Driven {
        return Err(Problem::refused(message!("release-is-driven")).hint(message!("next-resume")));
    }
    let survey = survey(pairs, &snapshot.applied_migrations());
    let pending = survey.pending.into_iter().map(plan_up).collect::<Answer<Vec<_>>>()?;
    let stage2_waits = pending.iter().any(|migration| migration.stage() == Stage::Contract);
    let to = next(release.release(), Event::Deployed { stage2_waits })?;
    let actor = session.holder.actor.as_str();
    let set = session
        .record(lease, async |connection, _| {
            set_deployed(connection, release.id, version, actor).await?;
            let set = set_state(connection, release.id, release.state, to, actor, &[]).await?;
            if set && to == ReleaseState::AwaitingApproval {
                session.routes.put(connection, &approval_alert(release.id, version, actor)).await?;
            }
            Ok(set)
        })
        .await?;
    if !set {
        return Err(Problem::refused(message!("release-moved")).hint(message!("next-status")));
    }
    Ok(Deployed::Recorded { release_id: release.id, state: to })
}

fn approval_alert(release_id: i64, version: &str, actor: &str) -> Alert {
    let subject = message!("alert-approval-waiting", release = release_id);
    let summary = message!("alert-approval-waiting-summary");
    Alert::new(AlertKind::ApprovalWaiting, About::approval(release_id), subject, summary)
        .fact(FactName::Release, release_id)
        .fact(FactName::Version, version)
        .fact(FactName::Actor, actor)
        .fact(FactName::Next, "lockkeeper approve")
}
