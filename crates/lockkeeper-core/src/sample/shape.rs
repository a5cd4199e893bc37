//! What a row of a table must be like.

use super::value::Kind;

/// A table to fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableShape {
    /// What tells it from every other one, whatever it is called.
    pub oid: u32,
    /// In full, as SQL writes it.
    pub name: String,
    /// Those that a row must or may say; the server makes the others.
    pub columns: Vec<ColumnShape>,
    pub references: Vec<Reference>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnShape {
    /// As SQL writes it.
    pub name: String,
    /// The type as SQL writes it.
    pub type_name: String,
    pub kind: Kind,
    pub not_null: bool,
    /// The texts of the checks and partition bounds that speak of it: what stands in them is worth trying.
    pub conditions: Vec<String>,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// By their names as SQL writes them.
    pub columns: Vec<String>,
    pub table: u32,
    pub referenced: Vec<String>,
}
