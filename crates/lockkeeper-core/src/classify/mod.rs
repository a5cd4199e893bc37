//! Statement × server version → effects: what it adds, changes or destroys, and which lock it takes.
//!
//! Every statement and every action is named, without a catch-all: silence about one would be unsafe.
//! The stage is read from the file alone, so that it is the same on every database.

mod alter_reach;
mod alter_table;
mod effect;
mod facts;
mod fresh;
mod keeps_bytes;
mod learn;
mod reach;
mod reading;
mod relation;
mod scope;
mod statement;

pub use effect::{Effect, Reading, TableLock};
pub use facts::{Domain, Facts, Server};
pub use fresh::Fresh;
pub use keeps_bytes::keeps_bytes;
pub use learn::Learn;
pub use reach::effects_on;
pub use reading::{StageDecision, StageSource, decide_stage, effects, effects_by_statement, effects_in_body};
pub use relation::{Column, Constraint, Index, Relation, RelationKind, TableConstraintKind, Traffic, never_null};
pub use scope::Scope;
