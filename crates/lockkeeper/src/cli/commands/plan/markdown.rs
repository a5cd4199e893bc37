//! The plan as Markdown, for a pull request.

use lockkeeper_core::message;
use lockkeeper_core::model::{LineIndex, Stage};
use lockkeeper_core::plan::{PlannedMigration, RollbackClass, Sample};

use super::{
    Losses, STEPS_SHOWN, also_locked, findings, heading, heavy, line_of, lock_of, tables_of, told_in_use, told_loss,
    took,
};
use crate::cli::context::{Context, first_line};

/// A table for each migration. What stands in it is escaped: SQL may hold bars and backquotes.
pub fn tell(stage: Stage, planned: &[PlannedMigration], losses: &Losses, samples: &[Sample], context: &Context<'_>) {
    let printer = context.printer;
    let of_stage: Vec<_> = planned.iter().filter(|migration| migration.stage() == stage).collect();
    if of_stage.is_empty() {
        return;
    }
    printer.line(&format!("\n### {}", printer.text(&heading(stage, of_stage.len()))));
    for migration in of_stage {
        let class = message!("plan-rollback-class", class = RollbackClass::of(migration).as_str());
        let path = migration.up.path.replace('`', "'");
        printer.line(&format!("\n**{} {}** (`{path}`): {}\n", migration.number, migration.name, printer.text(&class)));
        if let Some((said, _)) = told_loss(migration, losses) {
            printer.line(&format!("* {}", cell(&printer.text(&said))));
        }
        for used in tables_of(migration) {
            printer.line(&format!("* {}", cell(&printer.text(&told_in_use(used)))));
        }
        printer.line(&format!("\n{}\n| ---: | --- | --- | --- | --- |", printer.text(&message!("plan-markdown-head"))));
        let lines = LineIndex::new(&migration.up.text);
        for step in migration.steps.iter().take(STEPS_SHOWN) {
            let line = line_of(step, migration, &lines);
            let sql = first_line(&step.sql).replace('`', "'");
            let locks = std::iter::once(lock_of(step)).chain(also_locked(step)).chain(heavy(step));
            let locks: Vec<String> = locks.map(|lock| cell(&printer.text(&lock))).collect();
            let (took, why) = (printer.text(&took(step, samples)), printer.text(&step.safe_because));
            let locks = locks.join("<br>");
            printer.line(&format!("| {line} | `{}` | {locks} | {} | {} |", cell(&sql), cell(&took), cell(&why)));
        }
        if let Some(more) = migration.steps.len().checked_sub(STEPS_SHOWN).filter(|more| *more > 0) {
            printer.line(&format!("\n{}", printer.text(&message!("plan-more-steps", count = more))));
        }
        for finding in findings(migration, context) {
            let said = format!("{}: {}: {}", finding.place, finding.rule, printer.text(&finding.message));
            printer.line(&format!("\n> {}", cell(&said)));
        }
    }
}

/// Text that cannot leave its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}
