//! What the database says of the tables and indexes that a migration names, as data.
//!
//! Steps are chosen by it: an empty table needs no care, and a nullable column needs a check before it can
//! become a key. Read by the engine right before a migration runs, and by `plan`.

use std::collections::{BTreeMap, BTreeSet};

use crate::parse::{Ident, ObjectName};

/// Work on a table of this many bytes is over before anybody waits long behind it (128 pages).
const SMALL_BYTES: u64 = 1 << 20;

/// What is known. Without a database nothing is, and every statement runs as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub relations: BTreeMap<ObjectName, Relation>,
    /// Names of relations and constraints that are taken, by schema.
    pub taken: BTreeSet<(String, String)>,
    /// Whether our role may switch off the triggers of a session, so that a backfill fires none of the user's.
    pub may_silence_triggers: bool,
}

impl Facts {
    pub fn relation(&self, name: Option<&ObjectName>) -> Option<&Relation> {
        self.relations.get(name?)
    }
}

/// A relation that exists, under the name by which a migration speaks of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    pub schema: Ident,
    pub name: Ident,
    pub kind: RelationKind,
    /// The table's rows on disk, all of its partitions and heirs included; of an index, those of its table.
    pub bytes: u64,
    pub traffic: Traffic,
    pub columns: Vec<Column>,
    /// The tables that hold a partitioned table's rows.
    pub leaves: Vec<ObjectName>,
    /// Whether triggers of the user's fire when a row is updated.
    pub has_update_triggers: bool,
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
pub enum RelationKind {
    Table,
    Partitioned,
    MaterializedView {
        is_populated: bool,
        /// REFRESH … CONCURRENTLY needs a unique index on plain columns over all rows.
        has_unique_key: bool,
    },
    Index {
        is_partitioned: bool,
        /// As `pg_get_indexdef` tells it.
        definition: String,
    },
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: Ident,
    /// As `format_type` tells it.
    pub type_name: String,
    pub not_null: bool,
}

impl Relation {
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

    pub fn column(&self, name: &Ident) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == *name)
    }

    pub const fn is_partitioned(&self) -> bool {
        matches!(self.kind, RelationKind::Partitioned)
    }
}

/// Whether a change of type leaves every value's bytes as they are, so that no row is written
/// (manual, ALTER TABLE, Notes; `ATColumnChangeRequiresRewrite`). Both as `format_type` tells them, or as people
/// write them.
pub fn keeps_bytes(old: &str, new: &str) -> bool {
    let (old, new) = (TypeName::read(old), TypeName::read(new));
    if old == new {
        return true;
    }
    let grows = || match (&old.modifiers[..], &new.modifiers[..]) {
        (_, []) => true,
        ([from], [to]) => from <= to,
        _ => false,
    };
    match (old.base.as_str(), new.base.as_str()) {
        ("varchar", "varchar") | ("varbit", "varbit") => grows(),
        ("varchar", "text") | ("cidr", "inet") => true,
        ("text", "varchar") => new.modifiers.is_empty(),
        // The scale must stay: values are stored with theirs.
        ("numeric", "numeric") => match (&old.modifiers[..], &new.modifiers[..]) {
            (_, []) => true,
            ([from, from_scale], [to, to_scale]) => from <= to && from_scale == to_scale,
            _ => false,
        },
        ("timestamp", "timestamp") | ("timestamptz", "timestamptz") | ("time", "time") | ("timetz", "timetz") => {
            grows()
        }
        _ => false,
    }
}

/// A type's name with its aliases folded.
#[derive(Debug, PartialEq, Eq)]
struct TypeName {
    base: String,
    modifiers: Vec<i64>,
}

impl TypeName {
    fn read(text: &str) -> Self {
        let text = text.to_lowercase();
        let (head, modifiers, tail) = match (text.find('('), text.find(')')) {
            (Some(open), Some(close)) if open < close => (&text[..open], &text[open + 1..close], &text[close + 1..]),
            _ => (text.as_str(), "", ""),
        };
        let words: Vec<_> = head.split_whitespace().chain(tail.split_whitespace()).collect();
        let words = words.join(" ");
        let base = match words.trim_start_matches("pg_catalog.") {
            "character varying" => "varchar",
            "bit varying" => "varbit",
            "decimal" => "numeric",
            "int" | "int4" => "integer",
            "int8" => "bigint",
            "int2" => "smallint",
            "bool" => "boolean",
            "float8" | "float" => "double precision",
            "float4" => "real",
            "character" => "char",
            "timestamp without time zone" => "timestamp",
            "timestamp with time zone" => "timestamptz",
            "time without time zone" => "time",
            "time with time zone" => "timetz",
            other => other,
        };
        let mut modifiers: Vec<i64> = modifiers.split(',').filter_map(|it| it.trim().parse().ok()).collect();
        // A precision alone means scale 0.
        if base == "numeric" && modifiers.len() == 1 {
            modifiers.push(0);
        }
        Self { base: base.to_owned(), modifiers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_only_widens_keeps_its_bytes() {
        for (old, new, keeps) in [
            ("character varying(20)", "varchar(40)", true),
            ("character varying(40)", "varchar(20)", false),
            ("character varying(20)", "text", true),
            ("text", "varchar", true),
            ("text", "varchar(9)", false),
            ("numeric(10,2)", "decimal(12, 2)", true),
            ("numeric(10,2)", "numeric(12,3)", false),
            ("numeric(10)", "numeric(12)", true),
            ("integer", "int4", true),
            ("integer", "bigint", false),
            ("timestamp(3) without time zone", "timestamp", true),
            ("timestamp without time zone", "timestamptz", false),
            ("cidr", "inet", true),
            ("jsonb", "json", false),
            ("mood", "mood", true),
        ] {
            assert_eq!(keeps_bytes(old, new), keeps, "{old} → {new}");
        }
    }
}
