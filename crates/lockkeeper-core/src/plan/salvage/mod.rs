//! What undoing a migration destroys, how that is kept, and how it goes back when the migration is applied again.

mod put_back;
mod ruin;
mod take;

pub use put_back::{Kept, PutBack};
pub use ruin::{Ruin, ruins};
pub use take::{ColumnShape, KeptColumn, Salvage, TableShape, salvages};

use crate::parse::Ident;

/// The columns that a table of kept rows has besides those it keeps: a count, and what has become of the row. No
/// application calls a column so.
const ROW: &str = "\"lockkeeper row\"";
const FATE: &str = "\"lockkeeper fate\"";

/// What values are written as text by and read back by: the same whatever the session, the role or the database set.
/// Row security must not leave rows out silently.
const PLAIN: [(&str, &str); 4] =
    [("row_security", "off"), ("extra_float_digits", "3"), ("DateStyle", "ISO, YMD"), ("IntervalStyle", "postgres")];

/// One statement that sets all of these for the transaction.
fn plainly() -> String {
    let each: Vec<String> =
        PLAIN.iter().map(|(name, value)| format!("pg_catalog.set_config('{name}', '{value}', true)")).collect();
    format!("SELECT {}", each.join(", "))
}

/// A text as a literal, whatever `standard_conforming_strings` says.
fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

fn names<'i>(columns: impl IntoIterator<Item = &'i Ident>) -> String {
    columns.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
