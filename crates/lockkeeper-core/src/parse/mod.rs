//! The text of a migration → its statements, directives and diagnostics, spans kept. Never fails.
//!
//! The statement model is our own; the grammar behind it is `squawk-syntax`, and `squawk` is the only
//! module that knows. A file that cannot be read is a value with diagnostics, not an error.

mod body;
mod directive;
mod folder;
mod masked;
mod name;
mod script;
mod setting;
mod squawk;
mod statement;

pub use body::{Body, CreateRoutine, Unreadable, UnreadableWhy};
pub use directive::{Directive, DirectiveKind};
pub use folder::{Folder, FoundFile, Layout, MigrationFile, MigrationPair, pair_up};
pub use masked::masked_sql;
pub use name::{Ident, ObjectName};
pub use script::{Diagnostic, Script, parse};
pub use setting::Setting;
pub use statement::{
    AddColumn, AddConstraint, AlterTable, AlterTableAction, ColumnChange, ColumnClause, ColumnClauseKind,
    ColumnDefinition, ConstraintKind, CreateIndex, CreateTable, Drop, IndexAnchors, KeyAnchors, NewType, ObjectChange,
    ObjectKind, ReindexTarget, Sql, Statement, Storage, TableRef, TransactionControl,
};
