//! What the live database makes of a finding: nothing, where the hazard is time and the table is small and quiet;
//! more, where it is huge or hot.

use lockkeeper_core::classify::{Effect, Facts, Relation, effects_on};
use lockkeeper_core::message;
use lockkeeper_core::model::{Message, Span};
use lockkeeper_core::parse::{AlterTableAction, ColumnChange, Ident, ObjectName, Script, Sql};

use super::Found;
use crate::report::Severity;
use crate::rule::{Hit, Side};

/// The rules whose hazard is only how long others wait: on a small table nobody notices.
pub(super) const ONLY_TIME: &[&str] = &[
    "attach-partition-without-check",
    "check-without-not-valid",
    "collation-change",
    "column-type-change",
    "drop-index-without-concurrently",
    "exclusion-constraint",
    "foreign-key-without-not-valid",
    "index-without-concurrently",
    "new-column-with-check",
    "new-column-with-key",
    "not-null-without-check",
    "partition-of-table-in-use",
    "primary-key-without-index",
    "refresh-without-concurrently",
    "reindex-without-concurrently",
    "serial-column",
    "stored-generated-column",
    "unique-without-index",
    "vacuum-full",
    "validate-in-same-transaction",
    "volatile-default",
    "whole-table-copy",
    "write-without-where",
];

/// The rules that find a rewrite or a scan, and are wrong where the database knows that there is none.
pub(super) const NEEDS_WORK: &[&str] =
    &["column-type-change", "not-null-without-check", "volatile-default", "whole-table-copy"];

/// A table that is written less often, and read less often, waits for nobody's work (writes and reads a minute).
const QUIET_PER_MIN: u64 = 600;

/// From so many writes a minute on a lock of a second is felt by everybody.
const HOT_WRITES_PER_MIN: u64 = 6_000;

/// From so many bytes on any work on all of the table takes long: 1 GiB.
const HUGE_BYTES: u64 = 1 << 30;

/// The scripts of one migration, and what their statements do to this database.
pub(super) struct Known<'a> {
    facts: &'a Facts,
    scripts: Vec<(Side, &'a Script, Vec<Vec<Effect>>)>,
}

impl<'a> Known<'a> {
    pub fn new(facts: &'a Facts, scripts: [(Side, &'a Script); 2]) -> Self {
        let scripts = if facts.server.is_none() {
            Vec::new()
        } else {
            scripts.into_iter().map(|(side, script)| (side, script, effects_on(script, facts))).collect()
        };
        Self { facts, scripts }
    }

    /// The finding as the database lets it stand; `None` where nobody would notice.
    pub fn weigh(&self, mut found: Found) -> Option<Found> {
        let Some(effects) = self.effects(&found.hit) else { return Some(found) };
        if NEEDS_WORK.contains(&found.rule) && self.is_known(effects) {
            let touches = |effect: &&Effect| found.hit.span.is_some_and(|span| meets(effect.span, span));
            let touched: Vec<&Effect> = effects.iter().filter(touches).collect();
            if !touched.is_empty() && !touched.iter().any(|effect| effect.rewrites || effect.scans) {
                return None;
            }
        }
        if !ONLY_TIME.contains(&found.rule) {
            return Some(found);
        }
        let tables = self.tables(effects);
        if !tables.is_empty() && tables.iter().all(|table| is_quiet(table)) {
            return None;
        }
        let largest = tables.iter().max_by_key(|table| (is_loud(table), table.bytes));
        if let Some(table) = largest {
            found.hit.message = with_numbers(found.hit.message, table);
            if is_loud(table) && found.severity == Severity::Warning {
                found.severity = Severity::Error;
            }
        }
        Some(found)
    }

    /// What fails outright because a view uses the column.
    pub fn views_in_the_way(&self) -> Vec<Hit> {
        let mut hits = Vec::new();
        for (side, script, _) in &self.scripts {
            for statement in &script.statements {
                let Sql::AlterTable(alter) = &statement.sql else { continue };
                let Some(table) = alter.table.as_ref().map(|table| self.facts.full_name(table)) else { continue };
                for action in &alter.actions {
                    let AlterTableAction::AlterColumn {
                        span, column: Some(column), change: ColumnChange::SetType, ..
                    } = action
                    else {
                        continue;
                    };
                    let Some(view) = self.reader(&table, column) else { continue };
                    hits.push(Hit {
                        side: *side,
                        span: Some(*span),
                        message: message!(
                            "lint-view-reads-column",
                            view = view.to_string(),
                            table = table.to_string(),
                            column = column.to_string()
                        ),
                        help: message!("lint-view-reads-column-help", view = view.to_string()),
                        remedy: None,
                    });
                }
            }
        }
        hits
    }

    fn reader(&self, table: &ObjectName, column: &Ident) -> Option<&ObjectName> {
        let reads = |relation: &Relation| relation.reads.iter().any(|(read, of)| read == table && of.contains(column));
        self.facts.relations.iter().find(|(_, relation)| reads(relation)).map(|(name, _)| name)
    }

    /// The effects of the statement that a finding is about.
    fn effects(&self, hit: &Hit) -> Option<&[Effect]> {
        let span = hit.span?;
        let (_, script, effects) = self.scripts.iter().find(|(side, ..)| *side == hit.side)?;
        let at = script.statements.iter().position(|statement| meets(statement.span, span))?;
        effects.get(at).map(Vec::as_slice)
    }

    fn is_known(&self, effects: &[Effect]) -> bool {
        effects.iter().flat_map(|it| &it.locks).any(|lock| self.facts.relation(Some(&lock.table)).is_some())
    }

    /// The tables that are locked; none where one of them is not known.
    fn tables(&self, effects: &[Effect]) -> Vec<&Relation> {
        let locks = effects.iter().flat_map(|it| &it.locks);
        locks.map(|lock| self.facts.relation(Some(&lock.table))).collect::<Option<Vec<_>>>().unwrap_or_default()
    }
}

fn meets(outer: Span, inner: Span) -> bool {
    outer.start <= inner.start && inner.start < outer.end
}

const fn is_quiet(table: &Relation) -> bool {
    table.is_small() && table.traffic.writes_per_min <= QUIET_PER_MIN && table.traffic.reads_per_min <= QUIET_PER_MIN
}

const fn is_loud(table: &Relation) -> bool {
    table.bytes >= HUGE_BYTES || table.traffic.writes_per_min >= HOT_WRITES_PER_MIN
}

fn with_numbers(what: Message, table: &Relation) -> Message {
    const MIB: u64 = 1 << 20;
    let name = table.full_name().to_string();
    let traffic = table.traffic;
    message!(
        "lint-with-facts",
        what = what,
        table = name,
        mib = table.bytes.div_ceil(MIB),
        rows = traffic.rows,
        writes = traffic.writes_per_min,
        reads = traffic.reads_per_min
    )
}
