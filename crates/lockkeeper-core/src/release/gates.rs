//! The gates before each stage, each as data: verdict, evidence and its age, way out.

use std::time::Duration;

use super::backup::BackupInputs;
use super::health_gate::HealthInputs;
use super::verify_gate::VerifyInputs;
use crate::message;
use crate::model::{Gate, GateReport, GateVerdict, Message, PlanDigest, Waiver};

/// What is known of the newest approval of stage 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApprovalStanding {
    /// Nobody approved anything that still counts.
    None,
    /// A review of a job on GitHub may approve, and none does: the reason.
    NotReviewed { reason: Message },
    /// Signature, key, role and expiry hold; it names this plan.
    Valid {
        by: String,
        plan: PlanDigest,
        age: Duration,
        reason: String,
        /// The gates that it opens without what they ask for.
        waives: Vec<Gate>,
        /// Where it was reviewed; `None` of one that is signed.
        on_github: Option<OnGithub>,
    },
    /// There is one, and it does not hold: the reason.
    Void { by: String, reason: Message },
}

/// The review of a job on GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnGithub {
    pub login: String,
    pub environment: String,
    /// `owner/name`.
    pub repository: String,
    pub run_id: i64,
}

/// All that the gates look at.
#[derive(Debug, Clone)]
pub struct GateInputs {
    /// Stage-1 migrations that are not applied, by number.
    pub stage1_pending: Vec<String>,
    /// The version recorded by `deployed` after the last stage-1 migration, and how long ago.
    pub deployed: Option<(String, Duration)>,
    /// `None` where the settings do not ask for it: then there is no such gate. So with the next two.
    pub verify: Option<VerifyInputs>,
    pub health: Option<HealthInputs>,
    pub backup: Option<BackupInputs>,
    pub approval: ApprovalStanding,
    pub plan: PlanDigest,
}

/// What a gate says, what that rests on, how old that is, and what would open it.
type Said = (GateVerdict, Message, Option<Duration>, Option<Message>);

/// The gates before stage 1. What is added disturbs nobody, and so needs only to have been tried.
pub fn stage1_gates(verify: Option<&VerifyInputs>) -> Vec<GateReport> {
    verify.map(|verify| reported(Gate::Verify, verify.answer())).into_iter().collect()
}

/// The gates before stage 2, in the order in which they are passed.
pub fn stage2_gates(inputs: &GateInputs) -> Vec<GateReport> {
    let reports = Gate::ALL.into_iter().filter_map(|gate| Some(reported(gate, answer(gate, inputs)?)));
    reports.map(|report| waived(report, &inputs.approval, inputs.plan)).collect()
}

/// A waiver counts as long as the approval does that it is part of, for what that names, and only where it is needed.
fn waived(report: GateReport, approval: &ApprovalStanding, plan: PlanDigest) -> GateReport {
    match approval {
        ApprovalStanding::Valid { by, plan: named, reason, waives, .. }
            if *named == plan
                && report.gate.is_waivable()
                && !report.verdict.is_open()
                && waives.contains(&report.gate) =>
        {
            let waiver = Some(Waiver { by: by.clone(), reason: reason.clone() });
            GateReport { verdict: GateVerdict::Waived, waiver, way_out: None, ..report }
        }
        ApprovalStanding::Valid { .. }
        | ApprovalStanding::None
        | ApprovalStanding::NotReviewed { .. }
        | ApprovalStanding::Void { .. } => report,
    }
}

fn reported(gate: Gate, (verdict, evidence, age, way_out): Said) -> GateReport {
    GateReport { gate, verdict, evidence, age, waiver: None, way_out }
}

/// `None` for a gate that is not asked for.
fn answer(gate: Gate, inputs: &GateInputs) -> Option<Said> {
    Some(match gate {
        Gate::StageOneComplete if inputs.stage1_pending.is_empty() => {
            (GateVerdict::Yes, message!("gate-stage1-complete"), None, None)
        }
        Gate::StageOneComplete => {
            let (count, migrations) = (inputs.stage1_pending.len(), inputs.stage1_pending.join(", "));
            let evidence = message!("gate-stage1-pending", count = count, migrations = migrations);
            (GateVerdict::NotYet, evidence, None, Some(message!("next-stage1")))
        }
        Gate::DeployConfirmed => match &inputs.deployed {
            Some((version, age)) => {
                (GateVerdict::Yes, message!("gate-deployed", version = version.as_str()), Some(*age), None)
            }
            None => (GateVerdict::NotYet, message!("gate-not-deployed"), None, Some(message!("next-deployed"))),
        },
        Gate::Verify => inputs.verify.as_ref()?.answer(),
        Gate::Health => inputs.health.as_ref()?.answer(),
        Gate::Backup => {
            let (verdict, evidence, way_out) = inputs.backup.as_ref()?.answer();
            (verdict, evidence, inputs.backup.as_ref()?.age(), way_out)
        }
        Gate::Approval => approval(&inputs.approval, inputs.plan),
    })
}

fn approval(standing: &ApprovalStanding, plan: PlanDigest) -> Said {
    let way_out = Some(message!("next-approve"));
    match standing {
        ApprovalStanding::None => (GateVerdict::NotYet, message!("gate-not-approved"), None, way_out),
        ApprovalStanding::NotReviewed { reason } => {
            let evidence = message!("gate-not-reviewed", reason = reason.clone());
            (GateVerdict::NotYet, evidence, None, Some(message!("next-review")))
        }
        ApprovalStanding::Void { by, reason } => {
            let evidence = message!("gate-approval-void", by = by.as_str(), reason = reason.clone());
            (GateVerdict::No, evidence, None, way_out)
        }
        ApprovalStanding::Valid { by, plan: named, age, on_github, .. } if *named == plan => {
            let evidence = match on_github {
                None => message!("gate-approved", by = by.as_str()),
                Some(review) => message!(
                    "gate-approved-on-github",
                    by = by.as_str(),
                    login = review.login.as_str(),
                    environment = review.environment.as_str(),
                    repository = review.repository.as_str(),
                    run = review.run_id.to_string()
                ),
            };
            (GateVerdict::Yes, evidence, Some(*age), None)
        }
        ApprovalStanding::Valid { by, age, .. } => {
            (GateVerdict::No, message!("gate-approval-other-plan", by = by.as_str()), Some(*age), way_out)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(plan: PlanDigest, waives: Vec<Gate>) -> ApprovalStanding {
        let (by, reason) = ("a".into(), "why".into());
        ApprovalStanding::Valid { by, plan, age: Duration::from_mins(1), reason, waives, on_github: None }
    }

    fn inputs() -> GateInputs {
        let plan = PlanDigest::of("this");
        GateInputs {
            stage1_pending: Vec::new(),
            deployed: Some(("3.0".into(), Duration::from_mins(5))),
            verify: None,
            health: None,
            backup: None,
            approval: valid(plan, Vec::new()),
            plan,
        }
    }

    fn verdicts(inputs: &GateInputs) -> Vec<GateVerdict> {
        stage2_gates(inputs).into_iter().map(|report| report.verdict).collect()
    }

    #[test]
    fn each_gate_stands_for_itself() {
        use GateVerdict::{No, NotYet, Yes};
        assert_eq!(verdicts(&inputs()), [Yes, Yes, Yes]);
        assert_eq!(verdicts(&GateInputs { stage1_pending: vec!["07".into()], ..inputs() }), [NotYet, Yes, Yes]);
        assert_eq!(verdicts(&GateInputs { deployed: None, ..inputs() }), [Yes, NotYet, Yes]);
        assert_eq!(verdicts(&GateInputs { approval: ApprovalStanding::None, ..inputs() }), [Yes, Yes, NotYet]);
        let not_reviewed = ApprovalStanding::NotReviewed { reason: message!("github-none-yet", environment = "e") };
        assert_eq!(verdicts(&GateInputs { approval: not_reviewed, ..inputs() }), [Yes, Yes, NotYet]);
        assert_eq!(verdicts(&GateInputs { plan: PlanDigest::of("other"), ..inputs() }), [Yes, Yes, No]);
    }
    #[test]
    fn a_waiver_opens_what_it_names_for_the_plan_that_it_names_and_nothing_that_nobody_may_waive() {
        use GateVerdict::{No, NotYet, Waived, Yes};
        let untried = VerifyInputs {
            files: vec![crate::release::Tried { number: "07".into(), found: None }],
            orders_agree: None,
        };
        let closed = GateInputs { verify: Some(untried), deployed: None, ..inputs() };
        assert_eq!(verdicts(&closed), [Yes, NotYet, NotYet, Yes]);
        let waiving = |plan| GateInputs { approval: valid(plan, Gate::ALL.to_vec()), ..closed.clone() };
        assert_eq!(verdicts(&waiving(closed.plan)), [Yes, NotYet, Waived, Yes]);
        assert_eq!(verdicts(&waiving(PlanDigest::of("other"))), [Yes, NotYet, NotYet, No]);
        let reports = stage2_gates(&waiving(closed.plan));
        assert_eq!(reports[2].waiver, Some(Waiver { by: "a".into(), reason: "why".into() }));
        assert_eq!(reports[2].evidence.id, "gate-verify-untried", "what it said stays");
        // What is open needs no waiver.
        assert_eq!(
            verdicts(&GateInputs { approval: valid(closed.plan, Gate::ALL.to_vec()), ..inputs() }),
            [Yes, Yes, Yes]
        );
    }

    #[test]
    fn what_the_settings_do_not_ask_for_is_no_gate() {
        let names = |inputs: &GateInputs| -> Vec<&str> {
            stage2_gates(inputs).into_iter().map(|report| report.gate.as_str()).collect()
        };
        assert_eq!(names(&inputs()), ["stage1_complete", "deploy_confirmed", "approval"]);
        let verify = VerifyInputs { files: Vec::new(), orders_agree: None };
        assert_eq!(stage1_gates(None), []);
        assert_eq!(stage1_gates(Some(&verify)).len(), 1);
        let asked = GateInputs { verify: Some(verify), ..inputs() };
        assert_eq!(names(&asked), ["stage1_complete", "deploy_confirmed", "verify", "approval"]);
        let ages: Vec<Option<u64>> = stage2_gates(&asked).iter().map(|it| it.age.map(|age| age.as_secs())).collect();
        assert_eq!(ages, [None, Some(300), None, Some(60)]);
    }
}
