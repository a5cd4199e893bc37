//! Whether a remedy does what it should, and nothing else.

use std::collections::BTreeMap;

use lockkeeper_core::classify::effects_by_statement;
use lockkeeper_core::message;
use lockkeeper_core::model::{Message, Span, Stage};
use lockkeeper_core::parse::{Script, Sql};

use super::draft::{Draft, DraftKind};
use crate::report::{Finding, Severity};
use crate::rule::{Migration, Side};

/// Why what a remedy made must not be written; `None` where it may.
pub fn objection(
    before: &[Migration<'_>],
    after: &[Migration<'_>],
    found_before: &[Finding],
    found_after: &[Finding],
    finding: &Finding,
    draft: &Draft,
) -> Option<Message> {
    let (old, new) = (counts(found_before), counts(found_after));
    let one = (finding.rule, finding.message.to_string());
    if count(&new, &one) >= count(&old, &one) {
        return Some(message!("fix-not-gone"));
    }
    let appeared = |(what, (_, severity)): &(&(&'static str, String), &(usize, Severity))| {
        *severity >= finding.severity && count(&new, what) > count(&old, what)
    };
    if let Some(((rule, _), _)) = new.iter().find(appeared) {
        return Some(message!("fix-new-finding", rule = *rule));
    }
    let same = match draft.kind {
        DraftKind::Edited => edited_alike(&before[draft.index], after, draft),
        DraftKind::Split => split_alike(&before[draft.index], after, draft),
    };
    if same { None } else { Some(message!("fix-other-effects")) }
}

fn count(of: &Counts, what: &(&'static str, String)) -> usize {
    of.get(what).map_or(0, |(count, _)| *count)
}

type Counts = BTreeMap<(&'static str, String), (usize, Severity)>;

/// How often each thing was said, and how loudly at most.
fn counts(findings: &[Finding]) -> Counts {
    let mut counts = Counts::new();
    for finding in findings {
        let one = counts.entry((finding.rule, finding.message.to_string())).or_insert((0, finding.severity));
        one.0 += 1;
        one.1 = one.1.max(finding.severity);
    }
    counts
}

/// What the statements of a script do, each at its offset. What only sets the session up is left out.
fn done(script: &Script) -> Vec<(Span, Vec<String>)> {
    let effects = effects_by_statement(script).into_iter().zip(&script.statements);
    let lasting =
        effects.filter(|(_, statement)| !matches!(statement.sql, Sql::Session | Sql::Set(_) | Sql::Transaction(_)));
    let told = lasting.map(|(effects, statement)| {
        let one = |effect: &lockkeeper_core::classify::Effect| {
            format!(
                "{} {:?} {:?} {} {} {} {}",
                effect.what,
                effect.reading,
                effect.locks,
                effect.in_transaction,
                effect.rewrites,
                effect.scans,
                effect.destroys_data
            )
        };
        (statement.span, effects.iter().map(one).collect())
    });
    told.collect()
}

/// Whether everything that was not touched does the same, in the same order and at the same stage.
fn edited_alike(before: &Migration<'_>, after: &[Migration<'_>], draft: &Draft) -> bool {
    let at = draft.index + usize::from(draft.made.is_some_and(|made| made <= draft.index));
    let Some(now) = after.get(at) else { return false };
    let is_written = |side: Side, span: Span| {
        let meets = |(of, put): &(Side, Span)| *of == side && put.start < span.end && span.start < put.end;
        draft.written.iter().any(meets)
    };
    let both = [(Side::Up, &before.script, &now.script), (Side::Down, &before.down_script, &now.down_script)];
    let scripts = both.into_iter().all(|(side, old, new)| {
        let kept = done(old).into_iter().filter(|(span, _)| !draft.touched.contains(&(side, span.start)));
        let still = done(new).into_iter().filter(|(span, _)| !is_written(side, *span));
        kept.map(|(_, what)| what).eq(still.map(|(_, what)| what))
    });
    let is_readable = |it: &Migration<'_>| it.script.diagnostics.is_empty() && it.down_script.diagnostics.is_empty();
    let made = draft.made.and_then(|made| after.get(made));
    let same_stage = before.stage() == now.stage() && made.is_none_or(|made| made.stage() >= before.stage());
    scripts && same_stage && is_readable(now) && made.is_none_or(is_readable)
}

/// Whether both files together do what the one did, each its own stage's part.
fn split_alike(before: &Migration<'_>, after: &[Migration<'_>], draft: &Draft) -> bool {
    let (Some(first), Some(second)) = (after.get(draft.index), draft.made.and_then(|made| after.get(made))) else {
        return false;
    };
    let all = |scripts: &[&Script]| {
        let mut all: Vec<String> = scripts.iter().flat_map(|it| done(it)).flat_map(|(_, what)| what).collect();
        all.sort();
        all
    };
    let is_readable = |it: &Migration<'_>| it.script.diagnostics.is_empty() && it.down_script.diagnostics.is_empty();
    first.stage() == Some(Stage::Expand)
        && second.stage() == Some(Stage::Contract)
        && all(&[&before.script]) == all(&[&first.script, &second.script])
        && all(&[&before.down_script]) == all(&[&first.down_script, &second.down_script])
        && is_readable(first)
        && is_readable(second)
}
