//! What is told while a release is driven.

use lockkeeper_core::message;
use lockkeeper_core::model::Message;
use lockkeeper_core::release::{Outcome, Task, age};
use lockkeeper_engine::driver::JourneyNews;

use super::{cause_told, waits};
use crate::cli::commands::health::WatchLog;
use crate::cli::context::Context;
use crate::printer::Tone;

/// One line for what happened.
pub fn tell(news: &JourneyNews<'_>, release_id: i64, log: &mut WatchLog<'_>, context: &Context<'_>) {
    let printer = context.printer;
    match news {
        JourneyNews::Moved { from, to } => {
            printer.note_in(&message!("release-moved-on", from = from.as_str(), to = to.as_str()), Tone::Strong);
        }
        JourneyNews::Began { task, attempt } if *attempt > 1 => {
            printer.note(&message!("release-task-again", task = task_told(*task), attempt = *attempt));
        }
        JourneyNews::Began { task, .. } => printer.note(&message!("release-task", task = task_told(*task))),
        JourneyNews::Ended { task, outcome, took, why } => {
            let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            let (tone, said) = match outcome {
                Outcome::Done => (Tone::Good, message!("release-task-done", task = task_told(*task), ms = ms)),
                outcome => {
                    let outcome = outcome.as_str();
                    let said = message!("release-task-not", task = task_told(*task), ms = ms, outcome = outcome);
                    (Tone::Waiting, said)
                }
            };
            printer.note_in(&said, tone);
            if let Some(why) = why {
                printer.note_under(2, why, tone);
            }
        }
        JourneyNews::GoesBack { cause, way } => {
            let said = message!(
                "release-goes-back",
                cause = cause_told(*cause),
                class = way.class.as_str(),
                because = way.because.clone()
            );
            printer.note_in(&said, Tone::Bad);
        }
        JourneyNews::Unreachable { problem } => {
            printer.note_in(&message!("release-database-gone"), Tone::Waiting);
            printer.note_under(2, &problem.message, Tone::Waiting);
        }
        JourneyNews::Waits { waiting, stayed } if stayed.is_zero() => {
            for (indent, said, tone) in waits::told(release_id, waiting) {
                printer.note_under(indent, &said, tone);
            }
        }
        JourneyNews::Waits { waiting, stayed } => {
            let closed = waiting.gates.iter().filter(|gate| !gate.verdict.is_open());
            let missing: Vec<_> = closed.map(|gate| printer.text(&gate.evidence)).collect();
            let said = message!("release-still-waits", stayed = age(*stayed), missing = missing.join("; "));
            printer.note_in(&said, Tone::Waiting);
        }
        JourneyNews::BacksUp => printer.note_in(&message!("release-backs-up"), Tone::Waiting),
        JourneyNews::Driver(progress) => context.report(progress.clone()),
        JourneyNews::Watch(news) => log.tell(news),
    }
}

/// A task, as people read it.
pub fn task_told(task: Task) -> Message {
    match task {
        Task::Verify => message!("release-task-verify"),
        Task::Baseline => message!("release-task-baseline"),
        Task::Stage1 => message!("release-task-stage1"),
        Task::Deploy => message!("release-task-deploy"),
        Task::WaitDeployed => message!("release-task-wait-deployed"),
        Task::Watch => message!("release-task-watch"),
        Task::Gates => message!("release-task-gates"),
        Task::Stage2 => message!("release-task-stage2"),
        Task::Settle => message!("release-task-settle"),
        Task::StopApp => message!("release-task-stop-app"),
        Task::UndoStage2 => message!("release-task-undo-stage2"),
        Task::RollbackApp => message!("release-task-rollback-app"),
        Task::WaitRolledBack => message!("release-task-wait-rolled-back"),
        Task::UndoStage1 => message!("release-task-undo-stage1"),
        Task::StartApp => message!("release-task-start-app"),
    }
}
