//! The catalog as the classifier asks for it.

use lockkeeper_core::classify::{Catalog, Domain, Table, TableColumn, TableConstraint, TableConstraintKind, TableKind};
use lockkeeper_core::model::ServerVersion;
use lockkeeper_core::parse::{Ident, ObjectName};
use serde::Deserialize;

use super::{Connection, SqlError};

type Name = (String, String);

#[derive(Default, Deserialize)]
struct Document {
    version: i32,
    zone_is_utc: bool,
    search_path: Vec<String>,
    tables: Vec<Relation>,
    indexes: Vec<(String, String, Name)>,
    volatile: Vec<String>,
    domains: Vec<(String, String, bool)>,
    publications: Vec<(String, Name)>,
    statistics: Vec<(String, Name)>,
}

#[derive(Deserialize)]
struct Relation {
    name: Name,
    kind: char,
    logged: bool,
    method: String,
    tablespace: String,
    attached: Vec<String>,
    partition: bool,
    r#type: Option<String>,
    children: Vec<Name>,
    parents: Vec<Name>,
    default: Option<Name>,
    /// Each a JSON array in text, because JSON has no equality for DISTINCT.
    reads: Vec<String>,
    columns: Vec<(String, String, bool, bool)>,
    constraints: Vec<Constraint>,
}

#[derive(Deserialize)]
struct Constraint {
    name: String,
    kind: char,
    valid: bool,
    references: Option<Name>,
    referenced: Vec<String>,
    writes: bool,
    check: String,
    columns: Vec<String>,
}

/// Reads all tables of the user's schemas, in one statement that writes nothing.
///
/// # Errors
/// A connection that broke; a definition that somebody is just dropping.
pub async fn read_catalog(connection: &Connection) -> Result<Catalog, SqlError> {
    let rows = connection
        .client()
        .query_typed(include_str!("catalog.sql"), &[])
        .await
        .map_err(|error| SqlError::new(&error, connection))?;
    let document: Document = rows.first().and_then(|row| serde_json::from_str(row.get(0)).ok()).unwrap_or_default();
    Ok(catalog(document))
}

fn object((schema, name): Name) -> ObjectName {
    ObjectName { schema: Some(Ident::exact(schema)), name: Ident::exact(name) }
}

fn catalog(document: Document) -> Catalog {
    let mut catalog = Catalog {
        version: ServerVersion::from_num(document.version),
        search_path: document.search_path.into_iter().map(Ident::exact).collect(),
        tables: document.tables.into_iter().map(|relation| (object(relation.name.clone()), table(relation))).collect(),
        indexes: document
            .indexes
            .into_iter()
            .map(|(schema, index, table)| (object((schema, index)), object(table)))
            .collect(),
        volatile_functions: document.volatile.into_iter().map(Ident::exact).collect(),
        domains: document
            .domains
            .into_iter()
            .map(|(name, base, is_constrained)| (Ident::exact(name), Domain { base, is_constrained }))
            .collect(),
        publications: std::collections::BTreeMap::new(),
        statistics: document.statistics.into_iter().map(|(name, of)| (Ident::exact(name), object(of))).collect(),
        zone_is_utc: document.zone_is_utc,
    };
    for (publication, table) in document.publications {
        catalog.publications.entry(Ident::exact(publication)).or_default().insert(object(table));
    }
    catalog
}

fn table(relation: Relation) -> Table {
    let column = |(name, type_name, not_null, is_virtual)| TableColumn {
        name: Ident::exact(name),
        type_name,
        not_null,
        is_virtual,
    };
    Table {
        kind: match relation.kind {
            'p' => TableKind::Partitioned,
            'v' => TableKind::View,
            'm' => TableKind::MaterializedView,
            'f' => TableKind::Foreign,
            _ => TableKind::Table,
        },
        children: relation.children.into_iter().map(object).collect(),
        parents: relation.parents.into_iter().map(object).collect(),
        is_partition: relation.partition,
        default_partition: relation.default.map(object),
        is_logged: relation.logged,
        access_method: relation.method,
        tablespace: relation.tablespace,
        attached: relation.attached.into_iter().map(Ident::exact).collect(),
        columns: relation.columns.into_iter().map(column).collect(),
        constraints: relation.constraints.into_iter().map(constraint).collect(),
        reads: relation.reads.iter().filter_map(|name| serde_json::from_str(name).ok()).map(object).collect(),
        of_type: relation.r#type.map(Ident::exact),
    }
}

fn constraint(constraint: Constraint) -> TableConstraint {
    let kind = match (constraint.kind, constraint.references) {
        ('c', _) => TableConstraintKind::Check,
        ('f', Some(references)) => TableConstraintKind::ForeignKey {
            references: object(references),
            referenced: constraint.referenced.into_iter().map(Ident::exact).collect(),
            writes_on_delete: constraint.writes,
        },
        ('p' | 'u', _) => TableConstraintKind::Key,
        _ => TableConstraintKind::Other,
    };
    TableConstraint {
        name: Ident::exact(constraint.name),
        kind,
        is_validated: constraint.valid,
        columns: constraint.columns.into_iter().map(Ident::exact).collect(),
        check: constraint.check,
    }
}
