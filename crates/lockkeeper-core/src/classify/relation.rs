//! One relation of a database, and what belongs to it.

use std::collections::BTreeSet;

use crate::parse::{Ident, ObjectName};

/// Work on a table of this many bytes is over before anybody waits long behind it (128 pages).
const SMALL_BYTES: u64 = 1 << 20;

/// A table, or what can be locked like one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    pub schema: Ident,
    pub name: Ident,
    pub kind: RelationKind,
    /// The table's rows on disk, all of its partitions and heirs included.
    pub bytes: u64,
    pub traffic: Traffic,
    /// How many indexes it has, keys included, and what they and those of its partitions hold.
    pub index_count: usize,
    pub index_bytes: u64,
    pub columns: Vec<Column>,
    pub constraints: Vec<Constraint>,
    /// What inherits from it directly: heirs and partitions.
    pub children: Vec<ObjectName>,
    pub parents: Vec<ObjectName>,
    pub is_partition: bool,
    pub default_partition: Option<ObjectName>,
    /// The tables that hold a partitioned table's rows.
    pub leaves: Vec<ObjectName>,
    pub is_logged: bool,
    pub access_method: String,
    pub tablespace: String,
    /// Its triggers, policies and rules.
    pub attached: BTreeSet<Ident>,
    /// Whether triggers of the user's fire when a row is updated, and whether one fires whatever the session says.
    pub has_update_triggers: bool,
    pub triggers_fire_always: bool,
    /// What a view reads: relations, and the columns of each.
    pub reads: Vec<(ObjectName, Vec<Ident>)>,
    pub of_type: Option<Ident>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelationKind {
    Table,
    Partitioned,
    View,
    MaterializedView {
        is_populated: bool,
        /// REFRESH … CONCURRENTLY needs a unique index on plain columns over all rows.
        has_unique_key: bool,
    },
    Foreign,
}

/// How many rows a table has and how busy it is, as the server's statistics estimate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    pub rows: u64,
    /// Since the statistics were last reset, on average.
    pub writes_per_min: u64,
    pub reads_per_min: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: Ident,
    /// As `format_type` tells it.
    pub type_name: String,
    pub not_null: bool,
    pub is_virtual: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    pub name: Ident,
    pub kind: TableConstraintKind,
    pub is_validated: bool,
    pub columns: Vec<Ident>,
    /// The columns that the condition of a check says are never NULL.
    pub not_null: Vec<Ident>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableConstraintKind {
    Check,
    /// Where it points, and whether a delete there deletes or changes rows here.
    ForeignKey {
        references: ObjectName,
        /// The columns there.
        referenced: Vec<Ident>,
        writes_on_delete: bool,
    },
    Key,
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    pub table: ObjectName,
    /// `None` stands for an expression.
    pub columns: Vec<Option<Ident>>,
    pub bytes: u64,
    pub is_unique: bool,
    pub is_valid: bool,
    /// Whether it holds some of the rows only.
    pub is_partial: bool,
    pub is_partitioned: bool,
    /// As `pg_get_indexdef` tells it; empty where it comes from a file, which holds no text of the user's.
    pub definition: String,
}

impl Relation {
    /// An empty one.
    pub const fn new(schema: Ident, name: Ident, kind: RelationKind) -> Self {
        Self {
            schema,
            name,
            kind,
            bytes: 0,
            traffic: Traffic { rows: 0, writes_per_min: 0, reads_per_min: 0 },
            index_count: 0,
            index_bytes: 0,
            columns: Vec::new(),
            constraints: Vec::new(),
            children: Vec::new(),
            parents: Vec::new(),
            is_partition: false,
            default_partition: None,
            leaves: Vec::new(),
            is_logged: true,
            access_method: String::new(),
            tablespace: String::new(),
            attached: BTreeSet::new(),
            has_update_triggers: false,
            triggers_fire_always: false,
            reads: Vec::new(),
            of_type: None,
        }
    }

    /// The name with its schema.
    pub fn full_name(&self) -> ObjectName {
        ObjectName { schema: Some(self.schema.clone()), name: self.name.clone() }
    }

    pub const fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Whether reading or writing all of it is over before anybody waits long.
    pub const fn is_small(&self) -> bool {
        self.bytes <= SMALL_BYTES
    }

    pub const fn is_partitioned(&self) -> bool {
        matches!(self.kind, RelationKind::Partitioned)
    }

    pub const fn is_plain_table(&self) -> bool {
        matches!(self.kind, RelationKind::Table)
    }

    pub fn column(&self, name: &Ident) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == *name)
    }

    pub fn constraint(&self, name: &Ident) -> Option<&Constraint> {
        self.constraints.iter().find(|constraint| constraint.name == *name)
    }

    /// Where the foreign keys point.
    pub fn references(&self) -> impl Iterator<Item = &ObjectName> {
        self.constraints.iter().filter_map(Constraint::references)
    }

    /// Whether it is a view that reads the relation.
    pub fn reads(&self, relation: &ObjectName) -> bool {
        self.reads.iter().any(|(read, _)| read == relation)
    }

    /// Whether a valid check says that a column is never NULL, so that nobody need look.
    pub fn proves_not_null(&self, column: &Ident) -> bool {
        self.constraints.iter().any(|constraint| constraint.is_validated && constraint.not_null.contains(column))
    }
}

impl Constraint {
    pub const fn references(&self) -> Option<&ObjectName> {
        match &self.kind {
            TableConstraintKind::ForeignKey { references, .. } => Some(references),
            TableConstraintKind::Check | TableConstraintKind::Key | TableConstraintKind::Other => None,
        }
    }
}

/// The columns that a check, as `pg_get_constraintdef` tells it, says are never NULL: the whole of the condition,
/// or what it joins with AND.
pub fn never_null(check: &str) -> Vec<Ident> {
    let Some(condition) = check.strip_prefix("CHECK ") else { return Vec::new() };
    let condition = ["NOT VALID", "NOT ENFORCED", "NO INHERIT"]
        .iter()
        .fold(condition.trim_end(), |rest, suffix| rest.strip_suffix(suffix).unwrap_or(rest).trim_end());
    let mut found = Vec::new();
    conjuncts(condition, &mut found);
    found
}

fn conjuncts(condition: &str, found: &mut Vec<Ident>) {
    let condition = condition.trim();
    if let Some(inner) = in_parentheses(condition) {
        return conjuncts(inner, found);
    }
    let parts = split_on_and(condition);
    if parts.len() > 1 {
        return parts.into_iter().for_each(|part| conjuncts(part, found));
    }
    // Of `a OR b IS NOT NULL` nothing is known: what stands in front must be one name.
    if let Some(name) = condition.strip_suffix(" IS NOT NULL") {
        let ident = Ident::from_source(name);
        if ident.to_string() == name {
            found.push(ident);
        }
    }
}

/// What one pair of parentheses around the whole of a text holds.
fn in_parentheses(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let closes_early = outside(text).any(|(at, _, depth)| depth == 0 && at > 0 && at + 1 < text.len());
    (!closes_early).then_some(inner)
}

fn split_on_and(text: &str) -> Vec<&str> {
    let (mut parts, mut from) = (Vec::new(), 0);
    for (at, _, depth) in outside(text) {
        if depth == 0 && at >= from && text[at..].starts_with(" AND ") {
            parts.push(&text[from..at]);
            from = at + " AND ".len();
        }
    }
    parts.push(&text[from..]);
    parts
}

/// The characters that stand in no quotes, with the depth of parentheses behind each.
fn outside(text: &str) -> impl Iterator<Item = (usize, char, i32)> {
    let (mut quote, mut depth) = (None, 0);
    text.char_indices().filter_map(move |(at, c)| {
        if let Some(open) = quote {
            if c == open {
                quote = None;
            }
            return None;
        }
        match c {
            '\'' | '"' => quote = Some(c),
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        Some((at, c, depth))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_check_demands_of_every_row_is_proven() {
        for (check, columns) in [
            ("CHECK ((a IS NOT NULL))", &["a"][..]),
            ("CHECK ((\"A b\" IS NOT NULL)) NOT VALID", &["\"A b\""]),
            ("CHECK (((a IS NOT NULL) AND (b > 0) AND (c IS NOT NULL)))", &["a", "c"]),
            ("CHECK (((a IS NOT NULL) OR (b > 0)))", &[]),
            ("CHECK ((b = ') AND (a IS NOT NULL'::text))", &[]),
            ("CHECK (((a + b) IS NOT NULL))", &[]),
            ("CHECK ((NOT (a IS NOT NULL)))", &[]),
            ("CHECK ((((a IS NOT NULL) AND (b IS NOT NULL)) OR (c > 1)))", &[]),
            ("CHECK ((a IS NOT NULL)) NO INHERIT NOT VALID", &["a"]),
        ] {
            let shown: Vec<String> = never_null(check).iter().map(ToString::to_string).collect();
            assert_eq!(shown, columns, "{check}");
        }
    }
}
