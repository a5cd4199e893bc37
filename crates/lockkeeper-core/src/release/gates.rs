//! The gates before stage 2, each as data: verdict, evidence, way out.

use super::backup::BackupInputs;
use crate::message;
use crate::model::{Gate, GateReport, GateVerdict, Message, PlanDigest};

/// What is known of the newest approval of stage 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApprovalStanding {
    /// Nobody approved anything that still counts.
    None,
    /// Signature, key, role and expiry hold; it names this plan.
    Valid { by: String, plan: PlanDigest },
    /// There is one, and it does not hold: the reason.
    Void { by: String, reason: Message },
}

/// All that the gates look at.
#[derive(Debug, Clone)]
pub struct GateInputs {
    /// Stage-1 migrations that are not applied, by number.
    pub stage1_pending: Vec<String>,
    /// The version recorded by `deployed` after the last stage-1 migration.
    pub deployed: Option<String>,
    /// `None` where the settings ask for no backup: then there is no such gate.
    pub backup: Option<BackupInputs>,
    pub approval: ApprovalStanding,
    pub plan: PlanDigest,
}

/// Every gate, in the order in which they are passed.
pub fn stage2_gates(inputs: &GateInputs) -> Vec<GateReport> {
    Gate::ALL.into_iter().filter_map(|gate| report(gate, inputs)).collect()
}

/// `None` for a gate that is not asked for.
fn report(gate: Gate, inputs: &GateInputs) -> Option<GateReport> {
    let (verdict, evidence, way_out) = match gate {
        Gate::StageOneComplete if inputs.stage1_pending.is_empty() => {
            (GateVerdict::Yes, message!("gate-stage1-complete"), None)
        }
        Gate::StageOneComplete => (
            GateVerdict::NotYet,
            message!(
                "gate-stage1-pending",
                count = inputs.stage1_pending.len(),
                migrations = inputs.stage1_pending.join(", ")
            ),
            Some(message!("next-stage1")),
        ),
        Gate::DeployConfirmed => match &inputs.deployed {
            Some(version) => (GateVerdict::Yes, message!("gate-deployed", version = version.as_str()), None),
            None => (GateVerdict::NotYet, message!("gate-not-deployed"), Some(message!("next-deployed"))),
        },
        Gate::Backup => inputs.backup.as_ref()?.answer(),
        Gate::Approval => match &inputs.approval {
            ApprovalStanding::None => {
                (GateVerdict::NotYet, message!("gate-not-approved"), Some(message!("next-approve")))
            }
            ApprovalStanding::Void { by, reason } => (
                GateVerdict::No,
                message!("gate-approval-void", by = by.as_str(), reason = reason.clone()),
                Some(message!("next-approve")),
            ),
            ApprovalStanding::Valid { by, plan } if *plan == inputs.plan => {
                (GateVerdict::Yes, message!("gate-approved", by = by.as_str()), None)
            }
            ApprovalStanding::Valid { by, .. } => (
                GateVerdict::No,
                message!("gate-approval-other-plan", by = by.as_str()),
                Some(message!("next-approve")),
            ),
        },
    };
    Some(GateReport { gate, verdict, evidence, way_out })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> GateInputs {
        let plan = PlanDigest::of("this");
        GateInputs {
            stage1_pending: Vec::new(),
            deployed: Some("3.0".into()),
            backup: None,
            approval: ApprovalStanding::Valid { by: "a".into(), plan },
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
        assert_eq!(verdicts(&GateInputs { plan: PlanDigest::of("other"), ..inputs() }), [Yes, Yes, No]);
    }
}
