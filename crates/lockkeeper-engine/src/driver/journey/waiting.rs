//! A release that waits for a person: who may approve it, how long it waits, and a process that stays meanwhile.

use std::time::Duration;

use jiff::Timestamp;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, GateReport, GateVerdict, Message, PlanDigest};
use lockkeeper_core::release::{ApprovalStanding, Patience, ReleaseState, Task, patience};
use serde_json::{Value, json};

use super::{Driver, JourneyEnd, JourneyNews, Reading, Teller, is_on_its_way};
use crate::driver::gates::{approval_standing, author_objection};
use crate::driver::session::stopped;
use crate::seams::{instant, sleep};
use crate::signature::ADMIN;

/// Who may approve a release.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Approvers {
    /// As the file of allowed signers names them: principals, or patterns.
    pub principals: Vec<String>,
    /// Why there is nobody.
    pub nobody_because: Option<Message>,
}

/// How a release waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub gates: Vec<GateReport>,
    pub approvers: Approvers,
    /// What an approval has to name.
    pub plan: Option<PlanDigest>,
    /// Since the watch after the deploy ended.
    pub waited: Duration,
    pub patience: Patience,
}

/// How long a process stays while an approval is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StayFor {
    /// `None` is without end.
    pub at_most: Option<Duration>,
}

/// How often the ledger is asked for an approval.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How often a process that stays says that it does.
const SAY_EVERY: Duration = Duration::from_mins(5);

impl Driver<'_> {
    /// Who may approve this release today: those with the role whose key is valid, and whose reviews on GitHub count,
    /// but for its authors.
    pub(super) fn approvers(&self, reading: &Reading) -> Approvers {
        let nobody = |because| Approvers { principals: Vec::new(), nobody_because: Some(because) };
        let on_github = self.gates.github.iter().flat_map(|gate| gate.rule.principals().map(str::to_owned));
        let mut principals: Vec<String> = on_github.collect();
        let path = match &self.gates.allowed {
            Some(allowed) => allowed.path.as_str(),
            None if principals.is_empty() => return nobody(message!("approval-no-signers")),
            None => "[approval.github]",
        };
        let now = reading.snapshot.now;
        let in_role = self.gates.allowed.iter().flat_map(|allowed| &allowed.signers).filter(|line| {
            line.namespaces.iter().any(|role| role == ADMIN)
                && line.valid_after.is_none_or(|after| now >= after)
                && line.valid_before.is_none_or(|before| now < before)
        });
        let mut objection = None;
        principals.extend(in_role.flat_map(|line| line.principals.iter().cloned()));
        principals.sort();
        principals.dedup();
        principals.retain(|principal| {
            let objected = author_objection(principal, &reading.release.authors, &self.gates);
            objection = objected.clone().or(objection.take());
            objected.is_none()
        });
        let nobody_because =
            principals.is_empty().then(|| objection.unwrap_or_else(|| message!("approvers-none", path = path)));
        Approvers { principals, nobody_because }
    }

    pub(super) fn waiting(&self, reading: &Reading, gates: Vec<GateReport>) -> Waiting {
        let waited = waited(reading);
        Waiting {
            gates,
            approvers: self.approvers(reading),
            plan: self.plan(reading),
            waited,
            patience: patience(waited, self.terms.approval_within, self.terms.on_expiry),
        }
    }

    /// Whether nobody has approved in time and the release goes back for it; what shows it.
    pub(super) fn is_overdue(&self, reading: &Reading) -> Option<Value> {
        let waits = reading.release.state == ReleaseState::AwaitingApproval && is_on_its_way(reading);
        let waited = waited(reading);
        let is_over = patience(waited, self.terms.approval_within, self.terms.on_expiry) == Patience::GoesBack;
        let is_approved = || {
            self.plan(reading).is_some_and(|plan| {
                let standing = approval_standing(&reading.snapshot, &self.gates, plan);
                matches!(standing, ApprovalStanding::Valid { plan: named, .. } if named == plan)
            })
        };
        let at_most = self.terms.approval_within.map(|within| within.as_secs());
        (waits && is_over && !is_approved()).then(|| json!({ "waited_s": waited.as_secs(), "at_most_s": at_most }))
    }

    /// Stays while a person is waited for, where this process was asked to. `None` where the release goes on.
    pub(super) async fn stay(
        &mut self,
        ended: Option<JourneyEnd>,
        tell: &mut Teller<'_>,
    ) -> Answer<Option<JourneyEnd>> {
        let (Some(JourneyEnd::Waits { waiting, .. }), Some(stays)) = (&ended, self.stays) else { return Ok(ended) };
        let began = instant();
        let mut told = waiting.clone();
        let mut said_at = began;
        tell(JourneyNews::Waits { waiting: &told, stayed: Duration::ZERO });
        loop {
            let left = stays.at_most.map(|at_most| at_most.saturating_sub(began.elapsed()));
            if left == Some(Duration::ZERO) {
                return Ok(Some(JourneyEnd::Waits { waiting: told, did_something: false }));
            }
            tokio::select! {
                () = sleep(left.map_or(LOOK_EVERY, |left| left.min(LOOK_EVERY))) => {}
                cause = self.session.stop.asked() => match self.signals.cause() {
                    Some(_) => return Err(stopped(cause).hint(message!("next-resume"))),
                    // It is given up: the next turn takes it back.
                    None => return Ok(None),
                },
            }
            let reading = self.read(tell).await?;
            let is_approved = reading.snapshot.approval.as_ref().is_some_and(|approval| !approval.is_used);
            if is_approved {
                self.gates = (self.means.gates)()?;
            }
            let waits = reading.release.state == ReleaseState::AwaitingApproval && reading.journey.abort.is_none();
            if !waits || self.is_overdue(&reading).is_some() {
                return Ok(None);
            }
            let reports = self.patiently(tell, async |driver: &Self| driver.ask_gates(&reading.snapshot).await).await?;
            let is_same = verdicts(&reports).eq(verdicts(&told.gates));
            told = Box::new(self.waiting(&reading, reports));
            if self.opens(&reading, &told.gates) {
                return Ok(None);
            }
            if !is_same || said_at.elapsed() >= SAY_EVERY {
                tell(JourneyNews::Waits { waiting: &told, stayed: began.elapsed() });
                said_at = instant();
            }
        }
    }
}

/// What each gate says, without how old it is.
fn verdicts(gates: &[GateReport]) -> impl Iterator<Item = (GateVerdict, &Message)> {
    gates.iter().map(|gate| (gate.verdict, &gate.evidence))
}

/// How long it has been waiting.
fn waited(reading: &Reading) -> Duration {
    let since: Option<Timestamp> = reading.journey.task(Task::Watch).and_then(|watch| watch.ended).map(|(at, _)| at);
    since.and_then(|since| Duration::try_from(reading.snapshot.now.duration_since(since)).ok()).unwrap_or_default()
}
