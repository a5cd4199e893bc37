//! Rows of a dump put into tables, as they stand in its file.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::pin::pin;

use bytes::Bytes;
use futures_util::SinkExt;
use lockkeeper_core::sample::{DumpColumns, DumpPart, DumpPartKind, DumpTable};
use tokio_postgres::types::{Oid, Type};

use super::{Connection, SqlError};

/// So many bytes of a dump are read and sent at a time.
const PIECE_BYTES: u64 = 64 * 1024;

/// A table of the server that a dump has by that name.
pub struct GivenTable {
    /// Its number in the dump.
    pub number: usize,
    /// Itself, or the root where it is a partition.
    pub root: Oid,
    /// Whether its columns are the dump's.
    pub fits: bool,
}

/// Which tables of a dump are there.
///
/// # Errors
/// A connection that broke.
pub async fn given_tables(connection: &Connection, tables: &[DumpTable]) -> Result<Vec<GivenTable>, SqlError> {
    let schemas: Vec<&str> = tables.iter().map(|it| it.schema.as_str()).collect();
    let names: Vec<&str> = tables.iter().map(|it| it.name.as_str()).collect();
    let params: &[(&(dyn tokio_postgres::types::ToSql + Sync), Type)] =
        &[(&schemas, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)];
    let sql = include_str!("given_rows.sql");
    let found =
        connection.client().query_typed(sql, params).await.map_err(|error| SqlError::new(&error, connection))?;
    let given = |row: &tokio_postgres::Row| {
        let number = usize::try_from(row.get::<_, i32>(0)).ok()?.checked_sub(1)?;
        let (columns, made): (Vec<String>, Vec<bool>) = (row.get(2), row.get(3));
        let fits = match &tables.get(number)?.columns {
            DumpColumns::Counted(count) => *count == columns.len(),
            DumpColumns::Named(named) => {
                let mut own: Vec<&String> = columns.iter().zip(made).filter(|it| !it.1).map(|it| it.0).collect();
                let mut named: Vec<&String> = named.iter().collect();
                own.sort();
                named.sort();
                own == named
            }
        };
        Some(GivenTable { number, root: row.get(1), fits })
    };
    Ok(found.iter().filter_map(given).collect())
}

/// Puts the rows of these tables of a dump into the database: all or none.
///
/// # Errors
/// What the server refuses, and a connection or a file that broke.
pub async fn put_rows(connection: &Connection, file: &File, tables: &[&DumpTable]) -> Result<(), SqlError> {
    batch(connection, "BEGIN").await?;
    let put = async {
        for table in tables {
            for part in &table.parts {
                match part.kind {
                    DumpPartKind::Copy => copy(connection, file, table, part).await?,
                    DumpPartKind::Sql => run_part(connection, file, part).await?,
                }
            }
        }
        batch(connection, "COMMIT").await
    };
    let put = put.await;
    if put.is_err() {
        // What has failed already is what is told.
        let _ = batch(connection, "ROLLBACK").await;
    }
    put
}

/// Runs statements of a dump.
///
/// # Errors
/// What the server refuses, and a connection or a file that broke.
pub async fn run_part(connection: &Connection, file: &File, part: &DumpPart) -> Result<(), SqlError> {
    let bytes = read(file, part.from, part.to).map_err(|error| lost(&error))?;
    let sql = String::from_utf8(bytes).map_err(|error| lost(&error.utf8_error()))?;
    batch(connection, &sql).await
}

async fn copy(connection: &Connection, file: &File, table: &DumpTable, part: &DumpPart) -> Result<(), SqlError> {
    let DumpColumns::Named(columns) = &table.columns else { return Ok(()) };
    let columns = columns.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(", ");
    let columns = if columns.is_empty() { String::new() } else { format!(" ({columns})") };
    let sql = format!("COPY {}.{}{columns} FROM STDIN", quoted(&table.schema), quoted(&table.name));
    let around = |error: tokio_postgres::Error| SqlError::new(&error, connection);
    let mut sink = pin!(connection.client().copy_in::<str, Bytes>(&sql).await.map_err(around)?);
    let mut from = part.from;
    while from < part.to {
        let to = part.to.min(from + PIECE_BYTES);
        let piece = read(file, from, to).map_err(|error| lost(&error))?;
        // The server may refuse a row while more are on their way; why is told at the end.
        if sink.send(Bytes::from(piece)).await.is_err() {
            break;
        }
        from = to;
    }
    sink.finish().await.map(|_| ()).map_err(around)
}

fn read(file: &File, from: u64, to: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or(0)];
    file.read_exact_at(&mut bytes, from)?;
    Ok(bytes)
}

/// A file that changed under our hands leaves as little to say as a connection that broke.
fn lost(error: &dyn std::error::Error) -> SqlError {
    SqlError::Lost { reason: error.to_string() }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn batch(connection: &Connection, sql: &str) -> Result<(), SqlError> {
    connection.client().batch_execute(sql).await.map_err(|error| SqlError::new(&error, connection))
}
