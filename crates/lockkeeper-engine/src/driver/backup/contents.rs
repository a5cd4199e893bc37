//! What a database holds at one moment, table by table, read in the same way before a backup and after its restore.

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Message, Problem};
use tokio_postgres::types::Type;

use super::manifest::{Contents, Held, Locale, SequenceContents, TableContents};
use crate::ledger::{batch, query};
use crate::postgres::{Connection, SqlError, sqlstate};

/// SQLSTATE classes of what is too much for the server: a row or an object of a gigabyte has no text.
const TOO_MUCH: [&str; 2] = ["53", "54"];

/// As many names as a refusal shows.
const NAMES_SHOWN: usize = 20;

/// A table whose rows are dumped.
#[derive(Debug, Clone)]
pub struct Table {
    pub schema: String,
    pub name: String,
    columns: Vec<String>,
}

/// What is there to be read.
#[derive(Debug, Clone)]
pub struct Inventory {
    pub tables: Vec<Table>,
    pub extensions: Vec<String>,
    pub locale: Locale,
    roles: Vec<String>,
    sequences: Vec<SequenceContents>,
}

/// What decides how a value is written, the same on both sides. Rows that a policy hides are an error, not a gap.
pub fn settings(major: i32) -> String {
    let mut sql = "SET LOCAL search_path = pg_catalog; SET LOCAL datestyle = 'ISO, YMD'; \
        SET LOCAL intervalstyle = 'postgres'; SET LOCAL timezone = 'UTC'; SET LOCAL extra_float_digits = 1; \
        SET LOCAL bytea_output = 'hex'; SET LOCAL xmlbinary = 'base64'; SET LOCAL lc_monetary = 'C'; \
        SET LOCAL quote_all_identifiers = off; SET LOCAL row_security = off; SET LOCAL statement_timeout = 0; \
        SET LOCAL idle_in_transaction_session_timeout = 0"
        .to_owned();
    if major >= 17 {
        sql.push_str("; SET LOCAL transaction_timeout = 0");
    }
    sql
}

impl Inventory {
    /// Reads what is there, in the transaction that is open.
    ///
    /// # Errors
    /// Tables and sequences that this role may not read, all of them by name.
    pub async fn read(connection: &Connection) -> Answer<Self> {
        let around = |error: SqlError| not_read(&error, message!("backup-not-read"));
        let rows = query(connection, include_str!("sql/tables.sql"), &[]).await.map_err(around)?;
        let (mut tables, mut forbidden, mut filtered) = (Vec::new(), Vec::new(), Vec::new());
        for row in &rows {
            let (schema, name): (String, String) = (row.get(0), row.get(1));
            let shown = format!("{schema}.{name}");
            if !row.get::<_, bool>("may_read") {
                forbidden.push(shown);
            } else if row.get::<_, bool>("is_filtered") {
                filtered.push(shown);
            } else if row.get::<_, bool>("has_rows") {
                tables.push(Table { schema, name, columns: row.get("columns") });
            }
        }
        let user = connection.target().user.as_str();
        if !forbidden.is_empty() {
            let problem = Problem::new(
                ExitClass::Usage,
                message!("backup-tables-forbidden", user = user, count = forbidden.len(), tables = shown(&forbidden)),
            );
            return Err(problem.hint(message!("backup-tables-forbidden-hint", user = user)));
        }
        if !filtered.is_empty() {
            let problem = Problem::new(
                ExitClass::Usage,
                message!("backup-tables-filtered", user = user, count = filtered.len(), tables = shown(&filtered)),
            );
            return Err(problem.hint(message!("backup-tables-filtered-hint", user = user)));
        }
        let around_rows = query(connection, include_str!("sql/surroundings.sql"), &[]).await.map_err(around)?;
        let Some(row) = around_rows.first() else { return Err(Problem::usage(message!("backup-not-read"))) };
        let locale = Locale { encoding: row.get("encoding"), collate: row.get("collate"), ctype: row.get("ctype") };
        let sequences = query(connection, include_str!("sql/sequences.sql"), &[]).await.map_err(around)?;
        let sequence = |row: &tokio_postgres::Row| SequenceContents {
            schema: row.get(0),
            name: row.get(1),
            last: row.get(2),
            direction: i8::try_from(row.get::<_, i32>(3)).unwrap_or(0),
        };
        Ok(Self {
            tables,
            extensions: row.get("extensions"),
            roles: row.get("roles"),
            locale,
            sequences: sequences.iter().map(sequence).collect(),
        })
    }

    /// Reads all rows, in the transaction that is open. `sums` says of which tables more than the number is wanted,
    /// `told` is given each table's place before it is read.
    pub async fn contents(
        self,
        connection: &Connection,
        sums: &dyn Fn(&Table) -> bool,
        told: &mut dyn FnMut(usize),
    ) -> Answer<Contents> {
        let around = |error: SqlError| not_read(&error, message!("backup-not-read"));
        let mut tables = Vec::new();
        for (place, table) in self.tables.iter().enumerate() {
            told(place);
            let held = table.held(connection, sums(table)).await.map_err(|error| {
                let name = format!("{}.{}", table.schema, table.name);
                not_read(&error, message!("backup-table-not-read", table = name))
            })?;
            tables.push(TableContents { schema: table.schema.clone(), name: table.name.clone(), held });
        }
        let large_objects = large_objects(connection).await.map_err(around)?;
        let Self { extensions, locale, roles, sequences, .. } = self;
        Ok(Contents { locale, extensions, roles, tables, sequences, large_objects })
    }
}

impl Table {
    async fn held(&self, connection: &Connection, sum: bool) -> Result<Held, SqlError> {
        let from = format!("FROM ONLY {}.{}", quoted(&self.schema), quoted(&self.name));
        let counted = format!("SELECT pg_catalog.count(*), NULL::text {from}");
        if !sum {
            return held(connection, &counted).await;
        }
        let columns = self.columns.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(", ");
        let summed = format!(
            "SELECT pg_catalog.count(*), coalesce(pg_catalog.sum(pg_catalog.hashtextextended(\
             ROW({columns})::text COLLATE \"C\", 0)), 0)::text {from}"
        );
        or_counted(connection, &summed, &counted).await
    }
}

async fn large_objects(connection: &Connection) -> Result<Held, SqlError> {
    let from = "FROM pg_catalog.pg_largeobject_metadata";
    let counted = format!("SELECT pg_catalog.count(*), NULL::text {from}");
    let summed = format!(
        "SELECT pg_catalog.count(*), coalesce(pg_catalog.sum(pg_catalog.hashtextextended(\
         oid::text || ' ' || pg_catalog.md5(pg_catalog.lo_get(oid)), 0)), 0)::text {from}"
    );
    or_counted(connection, &summed, &counted).await
}

/// What cannot be summed up, because one row of it is too large to be written, is counted.
async fn or_counted(connection: &Connection, summed: &str, counted: &str) -> Result<Held, SqlError> {
    batch(connection, "SAVEPOINT lockkeeper_sum").await?;
    match held(connection, summed).await {
        Ok(held) => {
            batch(connection, "RELEASE lockkeeper_sum").await?;
            Ok(held)
        }
        Err(error) if TOO_MUCH.iter().any(|class| error.sqlstate().starts_with(class)) => {
            batch(connection, "ROLLBACK TO lockkeeper_sum; RELEASE lockkeeper_sum").await?;
            held(connection, counted).await
        }
        Err(error) => Err(error),
    }
}

async fn held(connection: &Connection, sql: &str) -> Result<Held, SqlError> {
    let rows = query(connection, sql, &[]).await?;
    let held = rows.first().map(|row| Held { count: row.get::<_, i64>(0).unsigned_abs(), sum: row.get(1) });
    Ok(held.unwrap_or_default())
}

/// A database that could not be read: nothing of it was changed, and a lock that was not to be had may be there later.
pub fn not_read(error: &SqlError, doing: Message) -> Box<Problem> {
    let is_locked = error.sqlstate() == sqlstate::LOCK_NOT_AVAILABLE;
    let problem = error.problem(if is_locked { ExitClass::Busy } else { ExitClass::Usage }, doing);
    if is_locked { problem.hint(message!("backup-lock-hint")) } else { problem }
}

/// One value as text, and nothing where there is no row.
pub async fn value(connection: &Connection, sql: &str) -> Result<String, SqlError> {
    let rows = query(connection, sql, &[]).await?;
    Ok(rows.first().and_then(|row| row.get(0)).unwrap_or_default())
}

/// A number of the server's.
pub async fn number(connection: &Connection, sql: &str) -> Result<i64, SqlError> {
    let none: &[(&(dyn tokio_postgres::types::ToSql + Sync), Type)] = &[];
    let rows = query(connection, sql, none).await?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}

pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The first names of many.
pub fn shown(names: &[String]) -> String {
    let first = names.iter().take(NAMES_SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_SHOWN { format!("{first}, …") } else { first }
}
