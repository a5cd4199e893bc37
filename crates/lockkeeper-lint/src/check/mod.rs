//! Asks every rule about a set of migrations; severities and what is allowed decide what remains.

mod facts;

use std::collections::BTreeMap;

use lockkeeper_core::classify::{Facts, Fresh};
use lockkeeper_core::message;
use lockkeeper_core::model::{LineIndex, Message, Place, Span};
use lockkeeper_core::parse::{Directive, DirectiveKind, MigrationFile, Script, Sql, Statement, TransactionControl};

use crate::report::{Finding, Severity};
use crate::rule::{Check, History, Hit, Hits, Migration, Policy, Rule, Seen, Side, Subject};
use crate::rules::ALL;

/// The name under which an allow is reported that allows nothing.
pub const UNUSED_ALLOW: &str = "unused-allow";

/// Under its name it is told that a view keeps a column's type from being changed.
const TYPE_CHANGE: &str = "column-type-change";

/// An entry of the project's allow list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    pub rule: String,
    /// A path or the end of one; `*` stands for any characters.
    pub path: String,
    pub reason: String,
}

/// How to look.
#[derive(Debug, Clone)]
pub struct Options {
    pub policy: Policy,
    /// Rules that the project sets; `None` switches one off.
    pub severities: BTreeMap<String, Option<Severity>>,
    pub allowed: Vec<Allow>,
    /// The first migration of the release: what it and those behind it create, nobody uses yet. `None` where each
    /// file is looked at by itself.
    pub release_from: Option<usize>,
    /// What is known of the live database; nothing, where the files are looked at alone.
    pub facts: Facts,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// How many findings an allow silenced.
    pub allowed: usize,
    /// Entries of the allow list that silenced nothing, by index.
    pub unused: Vec<usize>,
}

/// Asks every rule about every migration, in order.
pub fn check(migrations: &[Migration<'_>], options: &Options) -> Report {
    let mut report = Report::default();
    let mut history = History::of(&options.facts);
    let mut used = vec![false; options.allowed.len()];
    for (index, migration) in migrations.iter().enumerate() {
        let before = options.release_from.and_then(|first| migrations.get(first..index)).unwrap_or_default();
        let earlier = &migrations[..index];
        let release = if options.release_from.is_some() { before } else { earlier };
        let subject = Subject { migration, earlier, release, history: &history, policy: &options.policy };
        let mut hits = of_migration(&subject, options);
        walk(migration, before, &mut history, options, &mut hits);
        let scripts = [(Side::Up, &migration.script), (Side::Down, &migration.down_script)];
        let known = facts::Known::new(&options.facts, scripts);
        let mut hits: Vec<Found> = hits.into_iter().filter_map(|found| known.weigh(found)).collect();
        let views = known.views_in_the_way().into_iter();
        hits.extend(views.map(|hit| Found { rule: TYPE_CHANGE, severity: Severity::Error, hit }));
        keep(migration, hits, options, &mut used, &mut report);
    }
    report.unused = used.iter().enumerate().filter(|(_, used)| !**used).map(|(index, _)| index).collect();
    report
}

/// How loud the rule is in this project.
fn severity(rule: &Rule, options: &Options) -> Option<Severity> {
    options.severities.get(rule.name).copied().unwrap_or(rule.severity)
}

struct Found {
    rule: &'static str,
    severity: Severity,
    hit: Hit,
}

fn of_migration(subject: &Subject<'_>, options: &Options) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in ALL {
        let (Check::Migration(ask), Some(severity)) = (&rule.check, severity(rule, options)) else { continue };
        let mut hits = Hits::default();
        ask(subject, &mut hits);
        found.extend(hits.hits.into_iter().map(|hit| Found { rule: rule.name, severity, hit }));
    }
    found
}

/// Goes over the statements of both scripts with what is known where each stands.
fn walk(
    migration: &Migration<'_>,
    before: &[Migration<'_>],
    history: &mut History,
    options: &Options,
    found: &mut Vec<Found>,
) {
    let files =
        [(Side::Up, Some(migration.up), &migration.script), (Side::Down, migration.down, &migration.down_script)];
    for (side, file, script) in files {
        let Some(file) = file else { continue };
        let mut fresh = Fresh::looking_ahead(&script.statements);
        if side == Side::Up {
            for earlier in before {
                fresh.learn_all(&earlier.script.statements);
            }
        }
        let mut in_block = false;
        for statement in &script.statements {
            match &statement.sql {
                Sql::Transaction(TransactionControl::Begin) => in_block = true,
                Sql::Transaction(TransactionControl::Commit) => in_block = false,
                _ => {}
            }
            let made_safe = options.policy.safe_rewrites && script.as_written(statement).is_none();
            let top = Seen {
                statement,
                text: &file.text,
                script,
                side,
                in_body: false,
                in_block,
                made_safe,
                fresh: &fresh,
                history: &*history,
                policy: &options.policy,
            };
            ask(&top, options, found);
            // What a body creates is as new to the rest of it as to the rest of the file.
            let parts = inner(statement);
            let mut within = if parts.is_empty() { Fresh::default() } else { fresh.clone() };
            for (inner, in_body) in parts {
                let seen = Seen { statement: inner, in_body, made_safe: false, fresh: &within, ..top };
                ask(&seen, options, found);
                if in_body {
                    within.learn_in_body(&inner.sql);
                } else {
                    within.learn(&inner.sql);
                }
            }
            fresh.learn(&statement.sql);
            if side == Side::Up {
                history.learn(&statement.sql);
            }
        }
    }
}

/// The statements that a statement runs, and whether they stand in the body of a DO.
fn inner(statement: &Statement) -> Vec<(&Statement, bool)> {
    match &statement.sql {
        Sql::Do(body) => body.all_statements().into_iter().map(|inner| (inner, true)).collect(),
        Sql::Explain { runs } => runs.iter().map(|inner| (inner, false)).collect(),
        Sql::Query { writes, .. } => writes.iter().map(|inner| (inner, false)).collect(),
        _ => Vec::new(),
    }
}

fn ask(seen: &Seen<'_>, options: &Options, found: &mut Vec<Found>) {
    for rule in ALL {
        let ask = match (&rule.check, seen.side) {
            (Check::Up(ask), Side::Up) | (Check::Both(ask), _) => ask,
            (Check::Up(_) | Check::Migration(_), _) => continue,
        };
        let Some(severity) = severity(rule, options) else { continue };
        let severity = if rule.mended && seen.made_safe { Severity::Note } else { severity };
        let mut hits = Hits { side: Some(seen.side), ..Hits::default() };
        ask(seen, &mut hits);
        found.extend(hits.hits.into_iter().map(|hit| Found { rule: rule.name, severity, hit }));
    }
}

/// Leaves out what is allowed, and says which allows allow nothing.
fn keep(migration: &Migration<'_>, found: Vec<Found>, options: &Options, used: &mut [bool], report: &mut Report) {
    let mut kept = Vec::new();
    let mut spent = Vec::new();
    for found in found {
        let (file, script) = match found.hit.side {
            Side::Up => (migration.up, &migration.script),
            Side::Down => match migration.down {
                Some(down) => (down, &migration.down_script),
                None => continue,
            },
        };
        let directives = script.directives.iter().filter(|directive| allows(directive, script, &found));
        let directives: Vec<Span> = directives.map(|directive| directive.span).collect();
        let listed = options.allowed.iter().position(|it| it.rule == found.rule && fits(&it.path, &file.path));
        if !directives.is_empty() || listed.is_some() {
            report.allowed += 1;
            spent.extend(directives.into_iter().map(|span| (found.hit.side, span)));
            if let Some(index) = listed {
                used[index] = true;
            }
            continue;
        }
        let Some(place) = found.hit.place(migration) else { continue };
        let lines = LineIndex::new(&file.text);
        let end = found.hit.span.map(|span| lines.place(&file.text, span.end));
        kept.push((
            found.hit.side,
            Finding {
                rule: found.rule,
                severity: found.severity,
                place,
                end,
                message: found.hit.message,
                help: found.hit.help,
            },
        ));
    }
    let sides =
        [(Side::Up, Some(migration.up), &migration.script), (Side::Down, migration.down, &migration.down_script)];
    for (side, file, script) in sides {
        let Some(file) = file else { continue };
        let loud = options.severities.get(UNUSED_ALLOW).copied().unwrap_or(Some(Severity::Warning));
        let Some(severity) = loud else { continue };
        for directive in script.directives.iter().filter(|it| !spent.contains(&(side, it.span))) {
            let DirectiveKind::Allow { rule, .. } = &directive.kind else { continue };
            kept.push((side, unused(file, directive.span, rule, severity)));
        }
    }
    kept.sort_by_key(|(side, finding)| (*side, finding.place.at, finding.rule));
    report.findings.extend(kept.into_iter().map(|(_, finding)| finding));
}

fn unused(file: &MigrationFile, span: Span, rule: &str, severity: Severity) -> Finding {
    let known = ALL.iter().any(|it| it.name == rule);
    Finding {
        rule: UNUSED_ALLOW,
        severity,
        place: Place::span(file.path.clone(), &file.text, span),
        end: Some(LineIndex::new(&file.text).place(&file.text, span.end)),
        message: unused_message(known, rule),
        help: message!("rule-unused-allow-help"),
    }
}

/// What is wrong with an allow that allows nothing.
pub fn unused_message(known: bool, rule: &str) -> Message {
    if known { message!("rule-unused-allow", rule = rule) } else { message!("rule-unknown-allow", rule = rule) }
}

/// Whether a directive of the file speaks of what was found.
fn allows(directive: &Directive, script: &Script, found: &Found) -> bool {
    let DirectiveKind::Allow { rule, .. } = &directive.kind else { return false };
    if rule != found.rule {
        return false;
    }
    let next = script.statements.iter().find(|statement| statement.span.start > directive.span.start);
    match (found.hit.span, next) {
        (Some(span), Some(next)) => next.span.start <= span.start && span.start < next.span.end,
        // What is found in a file as a whole is allowed at its top, or in a file without a statement.
        (None, Some(next)) => script.statements.first().is_some_and(|first| first.span == next.span),
        (None, None) => true,
        (Some(_), None) => false,
    }
}

/// Whether a path is meant by a pattern: the whole of it or its end, with `*` for any characters.
fn fits(pattern: &str, path: &str) -> bool {
    fn from_here(pattern: &[&str], rest: &str) -> bool {
        match pattern {
            [] => rest.is_empty(),
            [last] => rest.ends_with(last),
            [first, others @ ..] => {
                let places = rest.match_indices(first).map(|(at, _)| at + first.len());
                places.into_iter().any(|at| from_here(others, &rest[at..]))
            }
        }
    }
    let parts: Vec<&str> = pattern.split('*').collect();
    let starts = std::iter::once(0).chain(path.match_indices('/').map(|(at, _)| at + 1));
    starts.into_iter().any(|start| {
        let rest = &path[start..];
        match &parts[..] {
            [whole] => rest == *whole,
            [first, others @ ..] => rest.strip_prefix(first).is_some_and(|rest| from_here(others, rest)),
            [] => false,
        }
    })
}

#[cfg(test)]
mod tests;
