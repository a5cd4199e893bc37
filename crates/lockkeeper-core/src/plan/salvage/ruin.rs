//! What a down script destroys, as far as its text tells.

use crate::classify::{Reading, effects_by_statement};
use crate::message;
use crate::model::{Message, Span};
use crate::parse::{AlterTableAction, Drop, Ident, ObjectKind, ObjectName, Script, Sql, Statement};

/// Something with values in it that is gone afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruin {
    Table { table: ObjectName, span: Span },
    Column { table: ObjectName, column: Ident, span: Span },
}

impl Ruin {
    /// The table as the script names it.
    pub const fn table(&self) -> &ObjectName {
        match self {
            Self::Table { table, .. } | Self::Column { table, .. } => table,
        }
    }

    pub const fn span(&self) -> Span {
        match self {
            Self::Table { span, .. } | Self::Column { span, .. } => *span,
        }
    }
}

/// Everything that a script destroys, in its order. What is computed from tables, a materialized view, holds nothing
/// of its own.
///
/// # Errors
/// Why it cannot be said, or cannot be kept: rows are deleted, the script cannot be read, or names mean something else
/// further down.
pub fn ruins(script: &Script) -> Result<Vec<Ruin>, Message> {
    let mut found = Vec::new();
    for (statement, effects) in script.statements.iter().zip(effects_by_statement(script)) {
        if let Some(effect) = effects.iter().find(|effect| effect.reading == Reading::Unreadable) {
            return Err(message!("loss-unreadable", what = effect.what.clone()));
        }
        let Some(first) = effects.iter().find(|effect| effect.destroys_data) else { continue };
        let other = || message!("loss-other", what = first.what.clone());
        match &statement.sql {
            Sql::AlterTable(alter) => {
                let table = alter.table.as_ref().ok_or_else(other)?;
                for (action, _) in alter.actions.iter().zip(&effects).filter(|(_, effect)| effect.destroys_data) {
                    let AlterTableAction::DropColumn { column: Some(column), span, .. } = action else {
                        return Err(other());
                    };
                    found.push(Ruin::Column { table: table.clone(), column: column.clone(), span: *span });
                }
            }
            Sql::Drop(Drop { object: ObjectKind::Table, names, .. }) => {
                let gone = names.iter().zip(&effects).filter(|(_, effect)| effect.destroys_data);
                found.extend(gone.map(|(name, _)| Ruin::Table { table: name.clone(), span: statement.span }));
            }
            // A schema goes only when it is empty.
            Sql::Drop(Drop { object: ObjectKind::MaterializedView | ObjectKind::Schema, cascade: false, .. }) => {}
            _ => return Err(other()),
        }
    }
    if !found.is_empty() && script.statements.iter().any(renames) {
        return Err(message!("loss-renamed"));
    }
    Ok(found)
}

/// Whether a name means another table or column from here on.
fn renames(statement: &Statement) -> bool {
    match &statement.sql {
        Sql::AlterTable(alter) => alter.actions.iter().any(|action| {
            matches!(
                action,
                AlterTableAction::RenameTable(..)
                    | AlterTableAction::RenameColumn { .. }
                    | AlterTableAction::SetSchema(_)
            )
        }),
        Sql::Do(body) => body.statements.iter().any(renames),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    fn told(sql: &str) -> String {
        match ruins(&parse(sql)) {
            Ok(ruins) => {
                let one = |ruin: &Ruin| match ruin {
                    Ruin::Table { table, .. } => table.to_string(),
                    Ruin::Column { table, column, .. } => format!("{table}({column})"),
                };
                ruins.iter().map(one).collect::<Vec<_>>().join(" ")
            }
            Err(why) => why.id.to_owned(),
        }
    }

    #[test]
    fn columns_and_tables_are_named() {
        for (sql, expected) in [
            ("SELECT 1", ""),
            ("ALTER TABLE a DROP COLUMN b, DROP c, ADD d int", "a(b) a(c)"),
            ("DROP INDEX i; ALTER TABLE s.a DROP COLUMN IF EXISTS \"B b\" CASCADE; DROP TYPE t", "s.a(\"B b\")"),
            ("DROP TABLE a, s.b; DROP VIEW v", "a s.b"),
            ("CREATE TABLE a (b int, c int); ALTER TABLE a DROP COLUMN c; DROP TABLE a", ""),
            ("DROP MATERIALIZED VIEW m", ""),
            ("DROP TABLE s.b; DROP SCHEMA s", "s.b"),
            ("DROP SCHEMA s CASCADE", "loss-other"),
            ("DROP MATERIALIZED VIEW m CASCADE", "loss-other"),
            ("DROP TYPE t CASCADE", "loss-other"),
            ("DROP SEQUENCE s", "loss-other"),
            ("DELETE FROM a; DROP TABLE b", "loss-other"),
            ("DO $$ BEGIN ALTER TABLE a DROP COLUMN b; END $$", "loss-other"),
            ("DO $$ BEGIN EXECUTE format('DROP TABLE %I', x); END $$", "loss-unreadable"),
            ("ALTER TABLE a RENAME TO b; ALTER TABLE b DROP COLUMN c", "loss-renamed"),
            ("ALTER TABLE a RENAME COLUMN c TO b", ""),
        ] {
            assert_eq!(told(sql), expected, "{sql}");
        }
    }
}
