//! What a script has done before a statement, so that no rule has to go over the script again at each of them.

use std::collections::BTreeSet;

use lockkeeper_core::classify::Fresh;
use lockkeeper_core::parse::{AlterTable, AlterTableAction, Ident, ObjectName, Sql, Statement};

/// The statements of one script up to the one that is looked at.
#[derive(Debug, Default)]
pub struct Passed<'s> {
    /// Tables in use that were altered, each once, in the order of their first change.
    altered: Vec<&'s ObjectName>,
    known: BTreeSet<&'s ObjectName>,
    /// Constraints that were added without a look at the rows.
    not_valid: BTreeSet<(&'s ObjectName, &'s Ident)>,
    last: Option<&'s Sql>,
}

impl<'s> Passed<'s> {
    /// Goes past a statement, with what had been created before it.
    pub fn learn(&mut self, statement: &'s Statement, fresh: &Fresh) {
        self.last = Some(&statement.sql);
        let Sql::AlterTable(AlterTable { table: Some(table), actions, .. }) = &statement.sql else { return };
        if !self.known.contains(table) && !fresh.meant_table(Some(table)) {
            self.known.insert(table);
            self.altered.push(table);
        }
        let added = actions.iter().filter_map(|action| match action {
            AlterTableAction::AddConstraint(_, add) if add.not_valid => Some((table, add.name.as_ref()?)),
            _ => None,
        });
        self.not_valid.extend(added);
    }

    /// Tables in use that were altered, each once, in order.
    pub fn altered(&self) -> &[&'s ObjectName] {
        &self.altered
    }

    pub fn has_altered(&self, table: &ObjectName) -> bool {
        self.known.contains(table)
    }

    /// Whether that constraint of that table was added with NOT VALID.
    pub fn added_not_valid(&self, table: &ObjectName, constraint: &Ident) -> bool {
        self.not_valid.contains(&(table, constraint))
    }

    /// The statement right before.
    pub const fn last(&self) -> Option<&'s Sql> {
        self.last
    }
}
