//! Rows that fit a schema, so that a migration can be tried on tables that hold something; and what became of them.
//!
//! The same shapes always give the same rows. What a check demands that cannot be read from it is found by trying:
//! the engine inserts, and drops what the server refuses.

mod dump;
mod dump_text;
mod losses;
mod rows;
mod shape;
mod value;

pub use dump::{Dump, DumpColumns, DumpFault, DumpPart, DumpPartKind, DumpReader, DumpTable};
pub use losses::{ColumnContent, Loss, TableContent, changed_values, losses};
pub use rows::{Pools, in_order, rows};
pub use shape::{ColumnShape, Reference, TableShape};
pub use value::Kind;
