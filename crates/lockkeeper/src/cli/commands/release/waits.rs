//! A release that waits for a person: for whom, and what that person does.

use lockkeeper_core::message;
use lockkeeper_core::model::{Gate, Message};
use lockkeeper_core::release::{Patience, age};
use lockkeeper_engine::driver::Waiting;
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::printer::Tone;

/// Each line with how far it is indented.
pub fn told(release_id: i64, waiting: &Waiting) -> Vec<(usize, Message, Tone)> {
    let mut lines = vec![(0, message!("release-waits", release = release_id), Tone::Waiting)];
    for gate in waiting.gates.iter().filter(|gate| !gate.verdict.is_open()) {
        lines.push((2, gate.evidence.clone(), Tone::Waiting));
        if gate.gate == Gate::Approval {
            lines.push((4, approvers(waiting), Tone::Plain));
        }
        lines.extend(gate.way_out.clone().map(|way_out| (4, way_out, Tone::Quiet)));
    }
    let waited = age(waiting.waited);
    match waiting.patience {
        Patience::Left(None) => {}
        Patience::Left(Some(left)) => {
            lines.push((2, message!("release-waits-left", waited = waited, left = age(left)), Tone::Quiet));
        }
        Patience::Over | Patience::GoesBack => {
            lines.push((2, message!("release-waits-too-long", waited = waited), Tone::Bad));
        }
    }
    lines.push((2, message!("release-waits-then"), Tone::Quiet));
    lines
}

fn approvers(waiting: &Waiting) -> Message {
    match &waiting.approvers.nobody_because {
        Some(because) => message!("release-approvers-nobody", because = because.clone()),
        None => message!("release-approvers", who = waiting.approvers.principals.join(", ")),
    }
}

pub fn to_json(waiting: &Waiting, context: &Context<'_>) -> Value {
    let gate = |gate: &lockkeeper_core::model::GateReport| {
        json!({
            "gate": gate.gate.as_str(),
            "verdict": gate.verdict.as_str(),
            "evidence": gate.evidence.id,
            "age_s": gate.age.map(|age| age.as_secs()),
        })
    };
    let nobody_because = waiting.approvers.nobody_because.as_ref().map(|because| context.printer.text(because));
    json!({
        "gates": waiting.gates.iter().map(gate).collect::<Vec<_>>(),
        "approvers": waiting.approvers.principals,
        "nobody_because": nobody_because,
        "plan": waiting.plan.map(|plan| plan.to_string()),
        "waited_s": waiting.waited.as_secs(),
        "is_overdue": matches!(waiting.patience, Patience::Over | Patience::GoesBack),
    })
}
