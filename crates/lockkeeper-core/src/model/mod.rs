//! The nouns. Value types whose constructors keep their invariants; no behaviour beyond that.

mod alert;
mod checksum;
mod gate;
mod lock_mode;
mod message;
mod migration_name;
mod migration_number;
mod place;
mod point_name;
mod problem;
mod schema_drift;
mod server_version;
mod stage;
mod verdict;

pub use alert::{About, Alert, AlertEffect, AlertKind, FactName, Severity};
pub use checksum::{Checksum, PlanDigest};
pub use gate::{Gate, GateReport, GateVerdict, Waiver};
pub use lock_mode::{Blocks, LockMode};
pub use message::{Arg, Message};
pub use migration_name::{Kind, MigrationName};
pub use migration_number::MigrationNumber;
pub use place::{LineColumn, LineIndex, Place, Snippet, Span};
pub use point_name::PointName;
pub use problem::{Answer, ExitClass, Problem, ServerReport};
pub use schema_drift::{Change, ObjectDifference};
pub use server_version::ServerVersion;
pub use stage::Stage;
pub use verdict::{Verdict, WatchVerdict};
