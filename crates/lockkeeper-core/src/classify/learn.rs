//! What a statement changes of what is known, for the statements behind it in the same file.
//!
//! What a file makes is new and in nobody's way, which [`super::Fresh`] knows. Here is what it does to what was there:
//! tables under another name, and names that are free again.

use std::borrow::Cow;

use super::facts::Facts;
use super::relation::{Index, Relation, TableConstraintKind};
use crate::parse::{AlterTable, AlterTableAction, Ident, ObjectKind, ObjectName, Sql};

/// Facts that are only copied once something changes.
pub trait Learn {
    /// Takes a statement into account.
    fn learn(&mut self, sql: &Sql);
}

impl Learn for Cow<'_, Facts> {
    fn learn(&mut self, sql: &Sql) {
        if self.server.is_none() {
            return;
        }
        match sql {
            Sql::AlterTable(alter) => alter_table(self, alter),
            Sql::Drop(drop) if drop.object == ObjectKind::Index => {
                for name in &drop.names {
                    let full = self.full_name(name);
                    if self.indexes.contains_key(&full) {
                        let facts = self.to_mut();
                        facts.indexes.remove(&full);
                        facts.free(&full);
                    }
                }
            }
            _ => {}
        }
    }
}

fn alter_table(facts: &mut Cow<'_, Facts>, alter: &AlterTable) {
    let Some(mut name) = alter.table.as_ref().map(|name| facts.full_name(name)) else { return };
    for action in &alter.actions {
        match action {
            AlterTableAction::DropConstraint { constraint: Some(constraint), .. }
                if facts.relations.get(&name).is_some_and(|it| it.constraint(constraint).is_some()) =>
            {
                facts.to_mut().drop_constraint(&name, constraint);
            }
            AlterTableAction::DropColumn { column: Some(column), .. } if facts.relations.contains_key(&name) => {
                facts.to_mut().drop_column(&name, column);
            }
            AlterTableAction::RenameTable(_, Some(to)) if facts.relations.contains_key(&name) => {
                let to = ObjectName { schema: name.schema.clone(), name: to.clone() };
                facts.to_mut().rename(&name, &to);
                name = to;
            }
            _ => {}
        }
    }
}

impl Facts {
    fn free(&mut self, name: &ObjectName) {
        if let Some(schema) = &name.schema {
            self.taken.remove(&(schema.as_str().to_owned(), name.name.as_str().to_owned()));
        }
    }

    fn drop_constraint(&mut self, table: &ObjectName, constraint: &Ident) {
        if let Some(relation) = self.relations.get_mut(table) {
            relation.constraints.retain(|it| it.name != *constraint);
        }
        let name = ObjectName { schema: table.schema.clone(), name: constraint.clone() };
        // A key's index goes with it.
        self.indexes.remove(&name);
        self.free(&name);
    }

    /// What is made of a column goes with it.
    fn drop_column(&mut self, table: &ObjectName, column: &Ident) {
        let constraints = self.relations.get(table).into_iter().flat_map(|relation| &relation.constraints);
        let gone: Vec<Ident> =
            constraints.filter(|it| it.columns.contains(column)).map(|constraint| constraint.name.clone()).collect();
        for constraint in &gone {
            self.drop_constraint(table, constraint);
        }
        let of_column = |index: &Index| index.table == *table && index.columns.contains(&Some(column.clone()));
        let gone: Vec<ObjectName> =
            self.indexes.iter().filter(|(_, index)| of_column(index)).map(|(name, _)| name.clone()).collect();
        for index in &gone {
            self.indexes.remove(index);
            self.free(index);
        }
    }

    fn rename(&mut self, from: &ObjectName, to: &ObjectName) {
        let Some(mut relation) = self.relations.remove(from) else { return };
        relation.name = to.name.clone();
        self.relations.insert(to.clone(), relation);
        self.free(from);
        if let Some(schema) = &to.schema {
            self.taken.insert((schema.as_str().to_owned(), to.name.as_str().to_owned()));
        }
        let put = |name: &mut ObjectName| {
            if name == from {
                name.clone_from(to);
            }
        };
        self.indexes.values_mut().for_each(|index| put(&mut index.table));
        self.statistics.values_mut().for_each(put);
        for relation in self.relations.values_mut() {
            let Relation { children, parents, leaves, default_partition, reads, constraints, .. } = relation;
            children.iter_mut().chain(parents).chain(leaves).chain(default_partition).for_each(put);
            for (read, _) in reads {
                put(read);
            }
            for constraint in constraints {
                if let TableConstraintKind::ForeignKey { references, .. } = &mut constraint.kind {
                    put(references);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Constraint, RelationKind, Server, effects_on};
    use super::*;
    use crate::model::{LockMode, ServerVersion};
    use crate::parse::parse;

    fn name(text: &str) -> ObjectName {
        ObjectName::from_source(text).unwrap()
    }

    /// Orders refer to customers.
    fn facts() -> Facts {
        let server = Server {
            version: ServerVersion::OLDEST,
            search_path: vec![Ident::from_source("public")],
            zone_is_utc: true,
        };
        let table =
            |text: &str| Relation::new(Ident::from_source("public"), Ident::from_source(text), RelationKind::Table);
        let mut orders = table("orders");
        orders.constraints.push(Constraint {
            name: Ident::from_source("orders_fk"),
            kind: TableConstraintKind::ForeignKey {
                references: name("public.customers"),
                referenced: Vec::new(),
                writes_on_delete: false,
            },
            is_validated: true,
            columns: Vec::new(),
            not_null: Vec::new(),
        });
        let relations = [orders, table("customers")].map(|it| (it.full_name(), it)).into();
        let taken = [("public".to_owned(), "orders_fk".to_owned())].into();
        Facts { server: Some(server), relations, taken, ..Facts::default() }
    }

    #[test]
    fn a_renamed_table_keeps_what_is_known_of_it() {
        for sql in [
            "ALTER TABLE orders RENAME TO sales; ALTER TABLE sales DROP CONSTRAINT orders_fk",
            "ALTER TABLE customers RENAME TO people; ALTER TABLE orders DROP CONSTRAINT orders_fk",
        ] {
            let effects = effects_on(&parse(sql), &facts());
            let locked = effects[1][0].locks.iter().any(|lock| {
                ["customers", "people"].contains(&lock.table.name.as_str()) && lock.mode == LockMode::AccessExclusive
            });
            assert!(locked, "{sql}: {:?}", effects[1]);
        }
    }

    #[test]
    fn a_name_that_was_dropped_is_free_again() {
        let known = facts();
        let mut facts = Cow::Borrowed(&known);
        for statement in &parse("ALTER TABLE orders DROP CONSTRAINT orders_fk").statements {
            facts.learn(&statement.sql);
        }
        assert!(facts.taken.is_empty() && !known.taken.is_empty());
    }
}
