//! Tables to fill with sample rows: what they are like, filling them, and what they hold.

use lockkeeper_core::sample::{
    ColumnContent, ColumnShape, Kind, Pools, Reference, TableContent, TableShape, in_order, rows,
};
use serde::Deserialize;
use tokio_postgres::types::{Oid, Type};

use super::{Connection, SqlError};

/// So many rows are put into a table that is tried.
const ROWS: u64 = 20;

/// So many are tried, one by one, where the server refuses some.
const TRIED: u64 = 80;

/// A table as the server describes it.
#[derive(Debug, Clone, Deserialize)]
pub struct SampleTable {
    pub oid: u32,
    pub name: String,
    columns: Vec<SampleColumn>,
    references: Vec<SampleReference>,
}

#[derive(Debug, Clone, Deserialize)]
struct SampleColumn {
    number: i16,
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    not_null: bool,
    server_made: bool,
    base: String,
    modifier: i32,
    element: Option<String>,
    is_array: bool,
    is_range: bool,
    labels: Option<Vec<String>>,
    conditions: Option<Vec<String>>,
}

#[derive(Debug, Clone, Deserialize)]
struct SampleReference {
    table: u32,
    columns: Vec<String>,
    referenced: Vec<String>,
}

/// The tables of these names and numbers, and those that they refer to: behind `filled` ones there is no need to look.
///
/// # Errors
/// A connection that broke.
pub async fn sample_tables(
    connection: &Connection,
    names: &[String],
    oids: &[Oid],
    filled: &[Oid],
) -> Result<Vec<SampleTable>, SqlError> {
    let sql = include_str!("sample_shapes.sql");
    let params = &[
        (&names as &(dyn tokio_postgres::types::ToSql + Sync), Type::TEXT_ARRAY),
        (&oids, Type::OID_ARRAY),
        (&filled, Type::OID_ARRAY),
    ];
    let found =
        connection.client().query_typed(sql, params).await.map_err(|error| SqlError::new(&error, connection))?;
    let read: Result<_, serde_json::Error> = found.iter().map(|row| serde_json::from_str(row.get(0))).collect();
    read.map_err(|error| SqlError::Lost { reason: error.to_string() })
}

impl SampleTable {
    /// Whether it has a column of that number.
    pub fn has(&self, number: i16) -> bool {
        self.columns.iter().any(|it| it.number == number)
    }

    pub fn numbers(&self) -> impl Iterator<Item = i16> {
        self.columns.iter().map(|it| it.number)
    }

    fn shape(&self) -> TableShape {
        let columns = self.columns.iter().filter(|it| !it.server_made).map(SampleColumn::shape);
        let references = self.references.iter().map(|it| Reference {
            columns: it.columns.clone(),
            table: it.table,
            referenced: it.referenced.clone(),
        });
        TableShape {
            oid: self.oid,
            name: self.name.clone(),
            columns: columns.collect(),
            references: references.collect(),
        }
    }

    fn content_sql(&self) -> String {
        let each =
            |of: &dyn Fn(&str) -> String| self.columns.iter().map(|it| of(&it.name)).collect::<Vec<_>>().join(", ");
        let counts = each(&|name| format!("count({name})"));
        let sums = each(&|name| format!("coalesce(sum(pg_catalog.hashtextextended({name}::text, 0)), 0)::text"));
        format!(
            "SELECT {}::int8, count(*), ARRAY[{counts}]::int8[], ARRAY[{sums}]::text[] FROM {}",
            self.oid, self.name
        )
    }
}

impl SampleColumn {
    fn shape(&self) -> ColumnShape {
        let kind = match (&self.element, &self.labels) {
            (Some(_), Some(labels)) => Kind::Array(Box::new(Kind::Enum(labels.clone()))),
            (None, Some(labels)) => Kind::Enum(labels.clone()),
            (Some(element), None) if self.is_array => {
                Kind::Array(Box::new(Kind::of(element, &self.modifiers(element))))
            }
            (Some(element), None) if self.is_range => Kind::Range(Box::new(Kind::of(element, &[]))),
            _ => Kind::of(&self.base, &self.modifiers(&self.base)),
        };
        ColumnShape {
            name: self.name.clone(),
            type_name: self.type_name.clone(),
            kind,
            not_null: self.not_null,
            conditions: self.conditions.clone().unwrap_or_default(),
        }
    }

    /// What stands in parentheses behind the type (`numerictypmodin`, `anychar_typmodin` of the server).
    fn modifiers(&self, base: &str) -> Vec<u32> {
        let Ok(modifier) = u32::try_from(self.modifier) else { return Vec::new() };
        match base {
            "numeric" => modifier.checked_sub(4).map_or_else(Vec::new, |it| vec![it >> 16, it & 0x7ff]),
            "varchar" | "bpchar" => modifier.checked_sub(4).into_iter().collect(),
            "bit" | "varbit" => vec![modifier],
            _ => Vec::new(),
        }
    }
}

/// Puts rows into tables, those first that others refer to. `from` numbers the rows, so that later ones differ.
///
/// # Errors
/// A connection that broke. What the server refuses is left out.
pub async fn fill(connection: &Connection, tables: &[&SampleTable], from: u64) -> Result<(), SqlError> {
    for table in in_order(tables.iter().map(|table| table.shape()).collect()) {
        let pools = pools(connection, &table).await?;
        let columns = table.columns.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ");
        let into = if columns.is_empty() { table.name.clone() } else { format!("{} ({columns})", table.name) };
        let tuple = |row: &Vec<String>| format!("({})", row.join(", "));
        if columns.is_empty() {
            let sql = format!("INSERT INTO {into} DEFAULT VALUES;").repeat(usize::try_from(ROWS).unwrap_or(1));
            let _ = refused(connection, &sql).await?;
            continue;
        }
        let Some(few) = rows(&table, &pools, from, ROWS) else { continue };
        let all = few.iter().map(tuple).collect::<Vec<_>>().join(", ");
        if !refused(connection, &format!("INSERT INTO {into} VALUES {all}")).await? {
            continue;
        }
        // Some of them break a rule that cannot be read from the schema: whichever fits stays.
        let Some(many) = rows(&table, &pools, from, TRIED) else { continue };
        let each = many.iter().map(|row| {
            format!(
                "IF fits < {ROWS} THEN BEGIN INSERT INTO {into} VALUES {}; fits := fits + 1; \
                 EXCEPTION WHEN OTHERS THEN NULL; END; END IF;\n",
                tuple(row)
            )
        });
        let body: String = each.collect();
        let sql = format!("DO $lockkeeper_sample$ DECLARE fits int := 0; BEGIN\n{body}END $lockkeeper_sample$");
        // What is refused even so (a deferred constraint) leaves the table without rows, which is told.
        let _ = refused(connection, &sql).await?;
    }
    Ok(())
}

/// The numbers of tables, those first that others refer to.
pub fn tables_in_order(tables: &[&SampleTable]) -> Vec<Oid> {
    in_order(tables.iter().map(|table| table.shape()).collect()).iter().map(|it| it.oid).collect()
}

/// Whether the server refused it.
async fn refused(connection: &Connection, sql: &str) -> Result<bool, SqlError> {
    match connection.client().batch_execute(sql).await.map_err(|error| SqlError::new(&error, connection)) {
        Ok(()) => Ok(false),
        Err(SqlError::Server { .. }) => Ok(true),
        Err(lost) => Err(lost),
    }
}

async fn pools(connection: &Connection, table: &TableShape) -> Result<Pools, SqlError> {
    let mut pools = Vec::new();
    for reference in &table.references {
        let columns = reference.referenced.iter().map(|it| format!("{it}::text")).collect::<Vec<_>>().join(", ");
        let filled =
            reference.referenced.iter().map(|it| format!("{it} IS NOT NULL")).collect::<Vec<_>>().join(" AND ");
        let sql = format!(
            "SELECT ARRAY[{columns}] FROM {} WHERE {filled} ORDER BY 1 LIMIT {TRIED}",
            relation_of(connection, reference.table).await?
        );
        let found =
            connection.client().query_typed(&sql, &[]).await.map_err(|error| SqlError::new(&error, connection))?;
        pools.push(found.iter().map(|row| row.get(0)).collect());
    }
    Ok(pools)
}

async fn relation_of(connection: &Connection, oid: Oid) -> Result<String, SqlError> {
    let sql = "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c \
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1";
    let found = connection
        .client()
        .query_typed(sql, &[(&oid, Type::OID)])
        .await
        .map_err(|error| SqlError::new(&error, connection))?;
    Ok(found.first().map_or_else(String::new, |row| row.get(0)))
}

/// What tables hold.
///
/// # Errors
/// A connection that broke.
pub async fn contents(connection: &Connection, tables: &[SampleTable]) -> Result<Vec<TableContent>, SqlError> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let sql = tables.iter().map(SampleTable::content_sql).collect::<Vec<_>>().join(" UNION ALL ");
    let found = connection.client().query_typed(&sql, &[]).await.map_err(|error| SqlError::new(&error, connection))?;
    let content = |row: &tokio_postgres::Row| {
        let (oid, rows): (i64, i64) = (row.get(0), row.get(1));
        let (values, sums): (Vec<i64>, Vec<String>) = (row.get(2), row.get(3));
        let table = tables.iter().find(|it| i64::from(it.oid) == oid)?;
        let columns = table.columns.iter().zip(values).zip(sums).map(|((column, values), checksum)| ColumnContent {
            number: column.number,
            name: column.name.clone(),
            type_name: column.type_name.clone(),
            values: u64::try_from(values).unwrap_or(0),
            checksum,
        });
        let rows = u64::try_from(rows).unwrap_or(0);
        Some(TableContent { oid: table.oid, name: table.name.clone(), rows, columns: columns.collect() })
    };
    Ok(found.iter().filter_map(content).collect())
}
