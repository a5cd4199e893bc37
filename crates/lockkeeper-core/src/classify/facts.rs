//! What is known of a database, as data: its relations with their sizes, traffic, columns and constraints, and what
//! reaches from one to another.
//!
//! A file alone tells what it names. How much that holds, what inherits from it, refers to it or is the default
//! partition beside it, only the database knows. The engine reads it, or a file that it wrote on the production side.

use std::collections::{BTreeMap, BTreeSet};

use super::relation::{Constraint, Index, Relation, Traffic};
use crate::model::ServerVersion;
use crate::parse::{Ident, ObjectName};

/// All names in it are written in full.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Without it nothing is known, and everything is told by the files alone.
    pub server: Option<Server>,
    pub relations: BTreeMap<ObjectName, Relation>,
    pub indexes: BTreeMap<ObjectName, Index>,
    /// Names of relations and constraints that are taken, by schema.
    pub taken: BTreeSet<(String, String)>,
    /// Whether our role may switch off the triggers of a session, so that a backfill fires none of the user's.
    pub may_silence_triggers: bool,
    /// Names of volatile functions, the server's own too: a default that calls one fills every row.
    pub volatile_functions: BTreeSet<Ident>,
    /// The type below each domain, and whether the domain has constraints.
    pub domains: BTreeMap<Ident, Domain>,
    /// The tables of each publication.
    pub publications: BTreeMap<Ident, BTreeSet<ObjectName>>,
    /// The table of each statistics object.
    pub statistics: BTreeMap<Ident, ObjectName>,
}

/// The server and the session that were asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub version: ServerVersion,
    /// Where a name without a schema is looked for.
    pub search_path: Vec<Ident>,
    /// The session's time zone keeps a timestamp's bytes when it gets a zone.
    pub zone_is_utc: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    pub base: String,
    pub is_constrained: bool,
}

impl Facts {
    /// Whether the server is of this major version or a later one; unknown, it is not.
    pub fn is_from(&self, major: i32) -> bool {
        self.server.as_ref().is_some_and(|server| server.version.major() >= major)
    }

    pub fn zone_is_utc(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.zone_is_utc)
    }

    /// The name in full. What is nowhere yet comes into being in the first schema of the search path.
    pub fn full_name(&self, name: &ObjectName) -> ObjectName {
        let Some(server) = self.server.as_ref().filter(|_| name.schema.is_none()) else { return name.clone() };
        let within = |schema: &Ident| ObjectName { schema: Some(schema.clone()), name: name.name.clone() };
        let known = |full: &ObjectName| self.relations.contains_key(full) || self.indexes.contains_key(full);
        let first = server.search_path.first().map_or_else(|| name.clone(), within);
        server.search_path.iter().map(within).find(known).unwrap_or(first)
    }

    pub fn relation(&self, name: Option<&ObjectName>) -> Option<&Relation> {
        self.relations.get(&self.full_name(name?))
    }

    pub fn index(&self, name: &ObjectName) -> Option<&Index> {
        self.indexes.get(&self.full_name(name))
    }

    /// The relation of that name, or the table of the index of that name.
    pub fn held_by(&self, name: Option<&ObjectName>) -> Option<&Relation> {
        self.relation(name).or_else(|| self.relations.get(&self.index(name?)?.table))
    }

    /// The indexes of a relation, keys among them.
    pub fn indexes_of<'f>(&'f self, full_name: &'f ObjectName) -> impl Iterator<Item = &'f Index> {
        self.indexes.values().filter(move |index| index.table == *full_name)
    }

    /// Everything below a table, itself left out.
    pub fn below(&self, name: &ObjectName) -> Vec<ObjectName> {
        let mut found: Vec<ObjectName> = Vec::new();
        let mut ahead = vec![self.full_name(name)];
        while let Some(table) = ahead.pop() {
            for child in self.relations.get(&table).iter().flat_map(|table| &table.children) {
                if !found.contains(child) {
                    found.push(child.clone());
                    ahead.push(child.clone());
                }
            }
        }
        found
    }

    /// The foreign keys that point at a table: whose they are and which.
    pub fn pointing_at<'a>(
        &'a self,
        name: &ObjectName,
    ) -> impl Iterator<Item = (&'a ObjectName, &'a Constraint)> + use<'a> {
        let name = self.full_name(name);
        self.relations.iter().flat_map(move |(table, relation)| {
            let here = name.clone();
            let points = move |constraint: &&Constraint| constraint.references() == Some(&here);
            relation.constraints.iter().filter(points).map(move |constraint| (table, constraint))
        })
    }

    /// Tables with a column of a type.
    pub fn with_columns_of(&self, type_name: &ObjectName) -> Vec<ObjectName> {
        let (short, full) = (type_name.name.to_string(), type_name.to_string());
        let has = |it: &Relation| it.columns.iter().any(|it| it.type_name == short || it.type_name == full);
        self.relations.iter().filter(|(_, relation)| has(relation)).map(|(name, _)| name.clone()).collect()
    }

    /// The views that read a table, and those that read them.
    pub fn views_of(&self, name: &ObjectName) -> Vec<ObjectName> {
        let mut found: Vec<ObjectName> = Vec::new();
        let mut ahead = vec![self.full_name(name)];
        while let Some(read) = ahead.pop() {
            for (view, _) in self.relations.iter().filter(|(_, relation)| relation.reads(&read)) {
                if !found.contains(view) {
                    found.push(view.clone());
                    ahead.push(view.clone());
                }
            }
        }
        found
    }

    /// Gives every table what its indexes, partitions and heirs hold besides what it holds itself, which is
    /// what comes in.
    #[must_use]
    pub fn with_totals(mut self) -> Self {
        let parents = self.relations.iter().filter(|(_, it)| !it.children.is_empty());
        let names: Vec<ObjectName> = parents.map(|(name, _)| name.clone()).collect();
        let totals: Vec<_> = names
            .into_iter()
            .map(|name| {
                let below = self.below(&name);
                (name, below)
            })
            .collect();
        for index in self.indexes.values() {
            if let Some(relation) = self.relations.get_mut(&index.table) {
                relation.index_count += 1;
                relation.index_bytes = relation.index_bytes.saturating_add(index.bytes);
            }
        }
        let own: BTreeMap<ObjectName, Relation> = totals
            .iter()
            .flat_map(|(_, below)| below)
            .filter_map(|child| Some((child.clone(), self.relations.get(child)?.clone())))
            .collect();
        for (name, below) in totals {
            let Some(relation) = self.relations.get_mut(&name) else { continue };
            let mut leaves = Vec::new();
            for child in below {
                let Some(held) = own.get(&child) else { continue };
                relation.bytes = relation.bytes.saturating_add(held.bytes);
                relation.index_bytes = relation.index_bytes.saturating_add(held.index_bytes);
                relation.traffic = relation.traffic + held.traffic;
                relation.has_update_triggers |= held.has_update_triggers;
                relation.triggers_fire_always |= held.triggers_fire_always;
                if held.is_plain_table() {
                    leaves.push(child);
                }
            }
            leaves.sort_by_key(|leaf| {
                (leaf.schema.as_ref().map(|it| it.as_str().to_owned()), leaf.name.as_str().to_owned())
            });
            if relation.is_partitioned() {
                relation.leaves = leaves;
            }
        }
        self
    }
}

impl std::ops::Add for Traffic {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            rows: self.rows.saturating_add(other.rows),
            writes_per_min: self.writes_per_min.saturating_add(other.writes_per_min),
            reads_per_min: self.reads_per_min.saturating_add(other.reads_per_min),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::RelationKind;

    fn name(text: &str) -> ObjectName {
        ObjectName::from_source(text).unwrap()
    }

    fn server() -> Server {
        let search_path = vec![Ident::from_source("app"), Ident::from_source("public")];
        Server { version: ServerVersion::OLDEST, search_path, zone_is_utc: true }
    }

    fn with(relations: &[(&str, RelationKind, u64, &[&str])]) -> Facts {
        let one = |(text, kind, bytes, children): &(&str, RelationKind, u64, &[&str])| {
            let full = name(text);
            let mut relation = Relation::new(full.schema.clone().unwrap(), full.name.clone(), kind.clone());
            relation.bytes = *bytes;
            relation.children = children.iter().map(|child| name(child)).collect();
            (full, relation)
        };
        Facts { server: Some(server()), relations: relations.iter().map(one).collect(), ..Facts::default() }
    }

    #[test]
    fn a_name_is_looked_for_along_the_search_path() {
        let facts = with(&[("public.a", RelationKind::Table, 1, &[]), ("other.b", RelationKind::Table, 1, &[])]);
        for (asked, found) in [("a", "public.a"), ("b", "app.b"), ("other.b", "other.b"), ("public.a", "public.a")] {
            assert_eq!(facts.full_name(&name(asked)), name(found));
        }
        assert_eq!(Facts::default().full_name(&name("a")), name("a"));
    }

    #[test]
    fn a_parent_holds_what_is_below_it() {
        let facts = with(&[
            ("public.p", RelationKind::Partitioned, 0, &["public.b", "public.sub"]),
            ("public.sub", RelationKind::Partitioned, 0, &["public.a"]),
            ("public.a", RelationKind::Table, 10, &[]),
            ("public.b", RelationKind::Table, 5, &[]),
        ])
        .with_totals();
        let held = |text: &str| facts.relation(Some(&name(text))).map(|it| (it.bytes, it.leaves.len()));
        assert_eq!((held("p"), held("sub"), held("a")), (Some((15, 2)), Some((10, 1)), Some((10, 0))));
        assert_eq!(facts.relation(Some(&name("p"))).unwrap().leaves, [name("public.a"), name("public.b")]);
    }
}
