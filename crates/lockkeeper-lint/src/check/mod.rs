//! Asks every rule about a set of migrations; severities and what is allowed decide what remains.

mod facts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockkeeper_core::classify::{Facts, Fresh};
use lockkeeper_core::message;
use lockkeeper_core::model::{LineColumn, LineIndex, Message, Place, Span, Stage};
use lockkeeper_core::parse::{DirectiveKind, MigrationFile, Script, Sql, Statement, TransactionControl};

use crate::report::{Finding, Remedy, Severity};
use crate::rule::{Check, History, Hit, Hits, Migration, Passed, Policy, Rule, Seen, Side, Subject, cut};
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

/// A finding that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    pub finding: Finding,
    pub reason: String,
    /// In the file itself, and not in the project's list.
    pub in_file: bool,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// Findings that an allow silenced.
    pub allowed: Vec<Allowed>,
    /// Entries of the allow list that silenced nothing, by index.
    pub unused: Vec<usize>,
}

/// Asks every rule about every migration, in order.
pub fn check(migrations: &[Migration<'_>], options: &Options) -> Report {
    let mut report = Report::default();
    let mut history = History::of(&options.facts);
    let rules: Vec<Loud> = ALL.iter().filter_map(|rule| Some((rule, severity(rule, options)?))).collect();
    let mut used = vec![false; options.allowed.len()];
    for (index, migration) in migrations.iter().enumerate() {
        let before = options.release_from.and_then(|first| migrations.get(first..index)).unwrap_or_default();
        let earlier = &migrations[..index];
        let release = if options.release_from.is_some() { before } else { earlier };
        let subject = Subject { migration, earlier, release, history: &history, policy: &options.policy };
        let mut hits = of_migration(&subject, &rules);
        walk(migration, before, &mut history, options, &rules, &mut hits);
        if migration.stage() == Some(Stage::Contract) {
            history.learn_contracting(index, &migration.script);
        }
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

/// A rule that is asked, and how loud it is.
type Loud = (&'static Rule, Severity);

/// How loud the rule is in this project.
fn severity(rule: &Rule, options: &Options) -> Option<Severity> {
    options.severities.get(rule.name).copied().unwrap_or(rule.severity)
}

struct Found {
    rule: &'static str,
    severity: Severity,
    hit: Hit,
}

fn of_migration(subject: &Subject<'_>, rules: &[Loud]) -> Vec<Found> {
    let mut found = Vec::new();
    for &(rule, severity) in rules {
        let Check::Migration(ask) = &rule.check else { continue };
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
    rules: &[Loud],
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
        let mut passed = Passed::default();
        for statement in &script.statements {
            match &statement.sql {
                Sql::Transaction(TransactionControl::Begin) => in_block = true,
                Sql::Transaction(TransactionControl::Commit) => in_block = false,
                _ => {}
            }
            let made_safe = options.policy.safe_rewrites && script.as_written(statement).is_none();
            let altered = altered_table(&statement.sql, &fresh);
            let top = Seen {
                statement,
                altered: altered.as_deref(),
                text: &file.text,
                script,
                side,
                in_body: false,
                in_block,
                made_safe,
                fresh: &fresh,
                passed: &passed,
                history: &*history,
                policy: &options.policy,
            };
            ask(&top, rules, found);
            // What a body creates is as new to the rest of it as to the rest of the file.
            let parts = inner(statement);
            let mut within = if parts.is_empty() { Fresh::default() } else { fresh.clone() };
            for (inner, in_body) in parts {
                let altered = altered_table(&inner.sql, &within);
                let altered = altered.as_deref();
                let seen = Seen { statement: inner, altered, in_body, made_safe: false, fresh: &within, ..top };
                ask(&seen, rules, found);
                if in_body {
                    within.learn_in_body(&inner.sql);
                } else {
                    within.learn(&inner.sql);
                }
            }
            passed.learn(statement, &fresh);
            fresh.learn(&statement.sql);
            if side == Side::Up {
                history.learn(statement, &file.text);
            }
        }
    }
}

/// The name of the table that a statement alters, when it was there before.
fn altered_table(sql: &Sql, fresh: &Fresh) -> Option<String> {
    match sql {
        Sql::AlterTable(alter) => alter.table.as_ref().filter(|table| !fresh.meant_table(Some(table))),
        _ => None,
    }
    .map(ToString::to_string)
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

fn ask(seen: &Seen<'_>, rules: &[Loud], found: &mut Vec<Found>) {
    for &(rule, severity) in rules {
        let ask = match (&rule.check, seen.side) {
            (Check::Up(ask), Side::Up) | (Check::Both(ask), _) => ask,
            (Check::Up(_) | Check::Migration(_), _) => continue,
        };
        let severity = if rule.mended && seen.made_safe { Severity::Note } else { severity };
        let mut hits = Hits { side: Some(seen.side), ..Hits::default() };
        ask(seen, &mut hits);
        found.extend(hits.hits.into_iter().map(|hit| Found { rule: rule.name, severity, hit }));
    }
}

/// One script with what is asked of it for each finding: its lines, and what its directives allow.
struct Sheet<'a> {
    file: &'a MigrationFile,
    lines: LineIndex,
    /// Allows by their rule and by where the statement begins that they speak of; `None` behind the last one.
    allows: BTreeMap<(&'a str, Option<usize>), Span>,
    first: Option<usize>,
    script: &'a Script,
}

impl<'a> Sheet<'a> {
    fn new(file: &'a MigrationFile, script: &'a Script) -> Self {
        let allows = script.directives.iter().filter_map(|directive| {
            let DirectiveKind::Allow { rule, .. } = &directive.kind else { return None };
            let next = script.statement_after(directive.span.start).map(|next| next.span.start);
            Some(((rule.as_str(), next), directive.span))
        });
        let first = script.statements.first().map(|first| first.span.start);
        Self { file, lines: LineIndex::new(&file.text), allows: allows.collect(), first, script }
    }

    /// The directives that speak of what was found.
    fn allowing(&self, rule: &'static str, span: Option<Span>) -> Vec<Span> {
        let keys = match span {
            Some(span) => vec![self.script.statement_at(span.start).map(|it| Some(it.span.start))],
            // What is found in a file as a whole is allowed at its top, or behind its last statement.
            None => vec![self.first.map(Some), Some(None)],
        };
        keys.into_iter().flatten().filter_map(|next| self.allows.get(&(rule, next)).copied()).collect()
    }

    /// Why the directive at that place allows what it allows.
    fn reason(&self, span: Span) -> Option<&'a str> {
        self.script.directives.iter().find_map(|directive| match &directive.kind {
            DirectiveKind::Allow { reason, .. } if directive.span == span => Some(reason.as_str()),
            _ => None,
        })
    }

    fn finding(&self, found: Found) -> Finding {
        let (place, end) = self.place(found.hit.span);
        let Hit { span, message, help, remedy, .. } = found.hit;
        let (rule, severity) = (found.rule, found.severity);
        Finding { rule, severity, place, span, end, message, help, remedy }
    }

    fn place(&self, span: Option<Span>) -> (Place, Option<LineColumn>) {
        let Some(span) = span else { return (Place::file(Arc::clone(&self.file.path)), None) };
        let place = Place::within(Arc::clone(&self.file.path), &self.file.text, &self.lines, span);
        (place, Some(self.lines.place(&self.file.text, span.end)))
    }
}

/// Leaves out what is allowed, and says which allows allow nothing.
fn keep(migration: &Migration<'_>, found: Vec<Found>, options: &Options, used: &mut [bool], report: &mut Report) {
    let up = Sheet::new(migration.up, &migration.script);
    let down = migration.down.map(|down| Sheet::new(down, &migration.down_script));
    let mut kept = Vec::new();
    let mut spent = BTreeSet::new();
    for found in found {
        let side = found.hit.side;
        let sheet = match (side, &down) {
            (Side::Up, _) => &up,
            (Side::Down, Some(down)) => down,
            (Side::Down, None) => continue,
        };
        let directives = sheet.allowing(found.rule, found.hit.span);
        let listed = options.allowed.iter().position(|it| it.rule == found.rule && fits(&it.path, &sheet.file.path));
        if !directives.is_empty() || listed.is_some() {
            let own = directives.first().and_then(|span| sheet.reason(*span));
            let in_list = listed.and_then(|index| options.allowed.get(index)).map(|entry| entry.reason.clone());
            report.allowed.push(Allowed {
                in_file: own.is_some(),
                reason: own.map(str::to_owned).or(in_list).unwrap_or_default(),
                finding: sheet.finding(found),
            });
            spent.extend(directives.into_iter().map(|span| (side, span)));
            if let Some(index) = listed {
                used[index] = true;
            }
            continue;
        }
        kept.push((side, sheet.finding(found)));
    }
    for (side, sheet) in [(Side::Up, Some(&up)), (Side::Down, down.as_ref())] {
        let Some(sheet) = sheet else { continue };
        let loud = options.severities.get(UNUSED_ALLOW).copied().unwrap_or(Some(Severity::Warning));
        let Some(severity) = loud else { continue };
        for directive in sheet.script.directives.iter().filter(|it| !spent.contains(&(side, it.span))) {
            let DirectiveKind::Allow { rule, .. } = &directive.kind else { continue };
            kept.push((side, unused(sheet, directive.span, rule, severity)));
        }
    }
    kept.sort_by_key(|(side, finding)| (*side, finding.place.at, finding.rule));
    report.findings.extend(kept.into_iter().map(|(_, finding)| finding));
}

fn unused(sheet: &Sheet<'_>, span: Span, rule: &str, severity: Severity) -> Finding {
    let known = ALL.iter().any(|it| it.name == rule);
    let (place, end) = sheet.place(Some(span));
    Finding {
        rule: UNUSED_ALLOW,
        severity,
        place,
        span: Some(span),
        end,
        message: unused_message(known, rule),
        help: message!("rule-unused-allow-help"),
        // A name that is written wrong is not meant to go.
        remedy: known.then(|| Remedy::Edits(vec![cut(&sheet.file.text, span)])),
    }
}

/// What is wrong with an allow that allows nothing.
pub fn unused_message(known: bool, rule: &str) -> Message {
    if known { message!("rule-unused-allow", rule = rule) } else { message!("rule-unknown-allow", rule = rule) }
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
