//! What a release that drives itself tells people.

use lockkeeper_core::message;
use lockkeeper_core::model::{About, Alert, AlertKind, FactName, Message, PlanDigest};
use lockkeeper_core::plan::RollbackClass;
use lockkeeper_core::release::{Cause, ReleaseState, WayBack};

use super::{Approvers, Reading};

pub(super) fn move_alert(
    reading: &Reading,
    to: ReleaseState,
    approvers: &Approvers,
    plan: Option<PlanDigest>,
) -> Option<Alert> {
    let id = reading.release.id;
    let version = reading.journey.version.as_str();
    match to {
        ReleaseState::AwaitingApproval => {
            let alert = Alert::new(
                AlertKind::ApprovalWaiting,
                About::approval(id),
                message!("alert-approval-subject", release = id),
                message!("alert-approval-summary"),
            )
            .fact(FactName::Release, id)
            .fact(FactName::Version, version);
            let alert = match &approvers.nobody_because {
                Some(because) => alert.fact(FactName::Approvers, because.clone()),
                None => alert.fact(FactName::Approvers, approvers.principals.join(", ")),
            };
            let alert = match plan {
                Some(plan) => alert.fact(FactName::Plan, plan.to_string()),
                None => alert,
            };
            Some(alert.fact(FactName::Next, message!("next-approve")))
        }
        ReleaseState::RolledBack => Some(
            Alert::new(
                AlertKind::RollbackFinished,
                About::rollback(id),
                message!("alert-release-back-subject", release = id),
                message!("alert-release-back-summary"),
            )
            .fact(FactName::Release, id)
            .fact(FactName::Version, version),
        ),
        _ => None,
    }
}

pub(super) fn way_alert(reading: &Reading, cause: Cause, way: &WayBack) -> Alert {
    if way.class == RollbackClass::Freeze {
        return frozen_alert(reading, cause, Some(way.because.clone()));
    }
    let id = reading.release.id;
    Alert::new(
        AlertKind::RollbackStarted,
        About::rollback(id),
        message!("alert-release-goes-back-subject", release = id, version = reading.journey.version.as_str()),
        message!("alert-release-goes-back-summary", cause = cause.as_str(), class = way.class.as_str()),
    )
    .fact(FactName::Release, id)
    .fact(FactName::Version, reading.journey.version.as_str())
    .fact(FactName::Reason, way.because.clone())
}

pub(super) fn frozen_alert(reading: &Reading, cause: Cause, why: Option<Message>) -> Alert {
    let id = reading.release.id;
    let alert = Alert::new(
        AlertKind::ReleaseFrozen,
        About::frozen(id),
        message!("alert-release-frozen-subject", release = id),
        message!("alert-release-frozen-summary", cause = cause.as_str()),
    )
    .fact(FactName::Release, id)
    .fact(FactName::Version, reading.journey.version.as_str())
    .fact(FactName::State, reading.release.state.as_str());
    match why {
        Some(why) => alert.fact(FactName::Reason, why),
        None => alert,
    }
}
