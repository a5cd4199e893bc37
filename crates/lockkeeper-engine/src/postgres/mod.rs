//! The way to a server: where it is, how to reach it safely, and what went wrong when it could not be reached.

mod activity;
mod blocker;
mod build_progress;
mod catalog;
mod certificate;
mod chain;
mod client_program;
mod connect;
mod connect_problem;
mod facts;
mod facts_document;
mod given_rows;
mod locks;
mod pgpass;
mod pooler;
mod private_server;
mod sample_tables;
mod secret;
mod sql_error;
pub mod sqlstate;
mod stream;
mod table_shapes;
mod target;
mod tls;
mod tls_problem;

pub use activity::{Activity, SeenLock, SeenSession, activity};
pub use blocker::{Blocker, blockers_of, pid_running};
pub use build_progress::{BuildProgress, build_progress};
pub use catalog::{
    Catalog, CatalogColumn, CatalogConstraint, CatalogConstraintKind, CatalogDomain, CatalogEnum, CatalogForeignKey,
    CatalogIdentity, CatalogIndex, CatalogKind, CatalogName, CatalogOnDelete, CatalogPartition, CatalogRelation,
    CatalogSchema, read_catalog,
};
pub use client_program::{ClientProgram, is_libpq_name, libpq_environment};
pub use connect::{Canceller, Connection, Notice, connect, server_report};
pub use facts::{may_silence_triggers, read_facts, read_facts_document};
pub use facts_document::{FactsDocument, FactsFault};
pub use given_rows::{GivenTable, given_tables, put_rows, run_part};
pub use locks::{LOCKS_OF, own_locks, relations_here};
pub use pgpass::{Passfile, PassfileEntry};
pub use pooler::{Access, own_settings};
pub use private_server::{PrivateServer, PrivateServerOptions, ServerBinaries, Shutdown};
pub use sample_tables::{SampleTable, contents, fill, sample_tables, tables_in_order};
pub use secret::Secret;
pub use sql_error::{InnerPosition, SqlError};
pub use table_shapes::read_table_shapes;
pub use target::{ChannelBinding, Host, RootCert, SslMode, Target};
