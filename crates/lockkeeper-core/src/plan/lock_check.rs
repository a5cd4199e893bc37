//! The locks that a step was told to take, held against those that it took.

use std::collections::BTreeMap;

use super::step::Step;
use crate::model::{LockMode, Span};
use crate::parse::ObjectName;

/// The strongest lock on each table, by its name in full.
pub type Locks = BTreeMap<String, LockMode>;

/// A lock that was taken otherwise than told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockDifference {
    /// Of the statement in its file.
    pub span: Span,
    pub table: String,
    pub told: Option<LockMode>,
    pub taken: Option<LockMode>,
}

impl LockDifference {
    /// Whether somebody waits of whom the plan did not tell.
    pub fn breaks_promise(&self) -> bool {
        self.taken > self.told && self.taken.is_some_and(LockMode::blocks_writes)
    }
}

/// What one transaction was told to lock and has locked so far: locks are held until it ends, so that what a statement
/// took is what there is more of than before it.
#[derive(Debug, Default)]
pub struct LockCheck {
    told: Locks,
    taken: Locks,
}

impl LockCheck {
    /// What is different after this step, when the transaction holds `held`. Only tables that were there before the
    /// transaction count: `here` tells. What a step runs that cannot be read was not told, and is not `readable`.
    pub fn after(
        &mut self,
        step: &Step,
        readable: bool,
        held: &Locks,
        here: impl Fn(&str) -> bool,
    ) -> Vec<LockDifference> {
        let mut found = Vec::new();
        let difference =
            |table: &str, told, taken| LockDifference { span: step.span, table: table.into(), told, taken };
        for lock in &step.locks {
            let Some(table) = ObjectName::from_source(&lock.table).map(|name| name.to_string()) else { continue };
            if lock.mode == LockMode::AccessShare || !here(&table) {
                continue;
            }
            let told = self.told.entry(table.clone()).or_insert(lock.mode);
            *told = lock.mode.max(*told);
            if held.get(&table) < Some(&lock.mode) && self.taken.get(&table) < Some(&lock.mode) {
                found.push(difference(&table, Some(lock.mode), held.get(&table).copied()));
            }
        }
        for (table, mode) in held {
            let told = self.told.get(table);
            if readable && Some(mode) > told && Some(mode) > self.taken.get(table) {
                found.push(difference(table, told.copied(), Some(*mode)));
            }
        }
        self.taken.clone_from(held);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{Facts, Fresh};
    use crate::model::{Checksum, MigrationNumber};
    use crate::parse::{MigrationFile, parse};
    use crate::plan::steps_as_written;

    fn check(sql: &str, held: &[&[(&str, LockMode)]]) -> Vec<String> {
        let file = MigrationFile { path: "x".into(), text: sql.to_owned(), checksum: Checksum::of(sql.as_bytes()) };
        let number = MigrationNumber::parse("1").unwrap();
        let steps = steps_as_written(number, &file, &parse(sql), &Facts::default(), &Fresh::default())
            .expect("it can be planned");
        let mut check = LockCheck::default();
        let mut found = Vec::new();
        for (step, held) in steps.iter().zip(held) {
            let held = held.iter().map(|(table, mode)| ((*table).to_owned(), *mode)).collect();
            let differences = check.after(step, true, &held, |table| ["s.a", "s.b"].contains(&table));
            found.extend(
                differences
                    .iter()
                    .map(|it| format!("{} {:?} {:?} {}", it.table, it.told, it.taken, it.breaks_promise())),
            );
        }
        found
    }

    #[test]
    fn what_is_taken_as_told_is_silent() {
        use LockMode::{AccessExclusive, Share};
        let sql = "CREATE INDEX ON s.a (x); ALTER TABLE s.a DROP COLUMN x; CREATE INDEX ON s.a (y)";
        let held = [&[("s.a", Share)][..], &[("s.a", AccessExclusive)], &[("s.a", AccessExclusive)]];
        assert_eq!(check(sql, &held), Vec::<String>::new());
    }

    #[test]
    fn a_lock_is_told_at_the_statement_that_took_it() {
        use LockMode::{AccessExclusive, RowExclusive, Share};
        let sql = "CREATE INDEX ON s.a (x); CREATE INDEX ON s.a (y); CREATE INDEX ON s.new (y)";
        let held = [
            &[("s.a", Share)][..],
            &[("s.a", Share), ("s.b", AccessExclusive)],
            &[("s.a", Share), ("s.b", AccessExclusive)],
        ];
        assert_eq!(check(sql, &held), ["s.b None Some(AccessExclusive) true"]);
        assert_eq!(
            check("CREATE INDEX ON s.a (x)", &[&[("s.a", Share), ("s.b", RowExclusive)]]),
            ["s.b None Some(RowExclusive) false"]
        );
        assert_eq!(check("CREATE INDEX ON s.a (x)", &[&[]]), ["s.a Some(Share) None false"]);
    }
}
