//! Whole rows of a table, and the order in which tables can be filled.

use std::collections::BTreeMap;

use super::shape::{ColumnShape, TableShape};
use super::value::{literal, named_in};

/// The keys that rows of other tables hold, one list for each reference of a table: values as texts, in the order of
/// the reference's columns.
pub type Pools = Vec<Vec<Vec<String>>>;

/// One in so many rows leaves a column empty that may be.
const NULL_EVERY: u64 = 5;

/// Rows as lists of SQL expressions, in the order of the columns. `from` is the first row's number: rows of different
/// numbers differ in every value, as far as the type has so many. `None` where no row can be made, because a column
/// that must not be empty has a type that nobody here can write, or refers to a table without rows.
pub fn rows(table: &TableShape, pools: &Pools, from: u64, count: u64) -> Option<Vec<Vec<String>>> {
    (from..from.saturating_add(count)).map(|n| row(table, pools, n)).collect()
}

fn row(table: &TableShape, pools: &Pools, n: u64) -> Option<Vec<String>> {
    let mut given: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for (reference, pool) in table.references.iter().zip(pools) {
        let length = u64::try_from(pool.len()).unwrap_or(0);
        let key = n.checked_rem(length).and_then(|at| pool.get(usize::try_from(at).ok()?));
        for (place, column) in reference.columns.iter().enumerate() {
            let value = key.and_then(|key| key.get(place)).map(String::as_str);
            // A column of two references holds what the first one says.
            given.entry(column).or_insert(value);
        }
    }
    let mut values = Vec::new();
    for (place, column) in (0_u64..).zip(&table.columns) {
        let value = match given.get(column.name.as_str()) {
            Some(Some(value)) => Some(literal(value)),
            // Nothing to refer to yet: a row may refer to itself, and to nothing where it may be empty.
            Some(None) if column.not_null => {
                let own = table.references.iter().any(|it| it.table == table.oid && it.columns.contains(&column.name));
                own.then(|| own_value(column, n)).flatten()
            }
            Some(None) => None,
            None if !column.not_null && (n + place) % NULL_EVERY == NULL_EVERY - 1 => None,
            None => own_value(column, n),
        };
        match value {
            Some(value) => values.push(format!("{value}::{}", column.type_name)),
            None if column.not_null => return None,
            None => values.push("NULL".to_owned()),
        }
    }
    Some(values)
}

/// Every second row tries what the conditions name, in turn.
fn own_value(column: &ColumnShape, n: u64) -> Option<String> {
    let named: Vec<String> = column.conditions.iter().flat_map(|it| named_in(it, &column.kind)).collect();
    let length = u64::try_from(named.len()).unwrap_or(0);
    let tried = if n.is_multiple_of(2) { (n / 2).checked_rem(length) } else { None };
    let named = tried.and_then(|at| named.get(usize::try_from(at).ok()?)).cloned();
    named.or_else(|| column.kind.value(n)).map(|value| literal(&value))
}

/// Tables in an order in which each comes behind those that it refers to; where they refer to one another in a
/// circle, as near to that as can be.
pub fn in_order(tables: Vec<TableShape>) -> Vec<TableShape> {
    let mut waiting = tables;
    let mut ordered: Vec<TableShape> = Vec::new();
    while !waiting.is_empty() {
        let is_ready = |table: &TableShape| {
            let mut others = table.references.iter().filter(|it| it.table != table.oid);
            others.all(|it| !waiting.iter().any(|other| other.oid == it.table))
        };
        let next = waiting.iter().position(is_ready).unwrap_or(0);
        ordered.push(waiting.remove(next));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Kind, Reference};

    fn column(name: &str, kind: Kind, not_null: bool) -> ColumnShape {
        let conditions = Vec::new();
        ColumnShape { name: name.to_owned(), type_name: "t".to_owned(), kind, not_null, conditions }
    }

    fn table(oid: u32, columns: Vec<ColumnShape>, references: &[(&str, u32)]) -> TableShape {
        let references = references.iter().map(|(column, table)| Reference {
            columns: vec![(*column).to_owned()],
            table: *table,
            referenced: vec!["id".to_owned()],
        });
        TableShape { oid, name: oid.to_string(), columns, references: references.collect() }
    }

    #[test]
    fn references_are_taken_from_what_is_there() {
        let shape = table(1, vec![column("id", Kind::Int, true), column("boat", Kind::Int, true)], &[("boat", 2)]);
        let pools = vec![vec![vec!["7".to_owned()], vec!["8".to_owned()]]];
        assert_eq!(rows(&shape, &pools, 0, 2).unwrap(), [["'1'::t", "'7'::t"], ["'2'::t", "'8'::t"]]);
        assert_eq!(rows(&shape, &vec![Vec::new()], 0, 1), None);
        let own = table(1, vec![column("id", Kind::Int, true), column("up", Kind::Int, true)], &[("up", 1)]);
        assert_eq!(rows(&own, &vec![Vec::new()], 3, 1).unwrap(), [["'4'::t", "'4'::t"]]);
    }

    #[test]
    fn tables_come_behind_what_they_refer_to() {
        let tables = vec![
            table(1, Vec::new(), &[("a", 2), ("b", 1)]),
            table(2, Vec::new(), &[("a", 3)]),
            table(3, Vec::new(), &[]),
        ];
        assert_eq!(in_order(tables).iter().map(|it| it.oid).collect::<Vec<_>>(), [3, 2, 1]);
        let circle = vec![table(1, Vec::new(), &[("a", 2)]), table(2, Vec::new(), &[("a", 1)])];
        assert_eq!(in_order(circle).len(), 2);
    }
}
