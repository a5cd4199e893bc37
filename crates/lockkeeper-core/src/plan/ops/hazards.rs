//! What cannot be made safe: refused while the table holds enough rows for anybody to notice.

use super::{Context, Refusal};
use crate::classify::Relation;
use crate::classify::keeps_bytes;
use crate::message;
use crate::model::Message;
use crate::parse::{AddConstraint, ConstraintKind, Ident, NewType, ObjectName, ReindexTarget, Sql};

/// The refusal of a statement that is no ALTER TABLE.
pub fn of_statement(sql: &Sql, context: &Context<'_>) -> Option<Refusal> {
    let refuse = |table: &ObjectName, because: fn(String) -> Message, way_out| {
        large(context, Some(table))?;
        Some(Refusal { because: because(context.facts.full_name(table).to_string()), way_out })
    };
    match sql {
        Sql::Cluster { table: Some(table) } => {
            refuse(table, |name| message!("unsafe-rewrite", table = name), message!("unsafe-rewrite-way-out"))
        }
        Sql::Vacuum { full: true, tables } => tables.iter().find_map(|table| {
            refuse(table, |name| message!("unsafe-rewrite", table = name), message!("unsafe-rewrite-way-out"))
        }),
        Sql::Reindex {
            target: ReindexTarget::Index(Some(name)) | ReindexTarget::Table(Some(name)),
            concurrently: false,
        } => refuse(name, |name| message!("unsafe-reindex", name = name), message!("unsafe-reindex-way-out")),
        _ => None,
    }
}

/// A relation whose size makes work on all of it felt.
pub fn large<'c>(context: &'c Context<'_>, table: Option<&ObjectName>) -> Option<&'c Relation> {
    context.in_use(table).filter(|relation| !relation.is_small())
}

/// ALTER COLUMN … TYPE that writes every row anew.
pub fn new_type(
    relation: &Relation,
    column: Option<&Ident>,
    new: Option<&NewType>,
    zone_is_utc: bool,
) -> Option<Refusal> {
    let (column, new) = (column?, new?);
    let old = relation.column(column)?;
    if relation.is_small() || (!new.converts && keeps_bytes(&old.type_name, &new.name, zone_is_utc)) {
        return None;
    }
    Some(Refusal {
        because: message!(
            "unsafe-type",
            column = column.to_string(),
            table = relation.full_name().to_string(),
            old = old.type_name.as_str(),
            new = new.name.as_str()
        ),
        way_out: message!("unsafe-type-way-out"),
    })
}

/// SET TABLESPACE, LOGGED, a new expression: all of the table is copied.
pub fn rewrite(relation: &Relation) -> Option<Refusal> {
    (!relation.is_small()).then(|| Refusal {
        because: message!("unsafe-rewrite", table = relation.full_name().to_string()),
        way_out: message!("unsafe-rewrite-way-out"),
    })
}

/// A constraint that no index built beforehand can carry.
pub fn constraint(relation: &Relation, add: &AddConstraint) -> Option<Refusal> {
    let over_time = add.key.is_some_and(|key| key.over_time);
    (!relation.is_small() && (add.kind == ConstraintKind::Exclude || over_time)).then(|| Refusal {
        because: message!("unsafe-exclude", table = relation.full_name().to_string()),
        way_out: message!("unsafe-exclude-way-out"),
    })
}

/// A column whose values are computed for every row that is there, by the server alone.
pub fn filled_column(relation: &Relation, column: &Ident) -> Option<Refusal> {
    (!relation.is_small()).then(|| Refusal {
        because: message!(
            "unsafe-filled-column",
            column = column.to_string(),
            table = relation.full_name().to_string()
        ),
        way_out: message!("unsafe-filled-column-way-out"),
    })
}
