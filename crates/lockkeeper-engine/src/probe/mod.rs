//! Takes measurements: of HTTP services, counters, Prometheus, databases, hosts and commands.
//!
//! Nothing is judged here beyond one measurement by itself; what follows from several of them is decided in
//! `core::health`. Every source keeps what it needs between two takes, and no take lasts longer than its limit.

mod bound;
mod command;
mod counters;
mod database;
mod fetch;
mod host;
mod http;
mod promql;
mod reading;
mod source;
mod witness;

pub use bound::{Bound, Comparison};
pub use command::CommandProbe;
pub use counters::{CountersPlace, CountersProbe, Selector};
pub use database::{DatabaseBounds, DatabaseProbe, ExpectedSchema, KnownMigration, SchemaHead};
pub use host::{HostBounds, HostProbe, HostSubject};
pub use http::{
    BodyCondition, CERTIFICATE_DAYS, CertificateProbe, ExpectedStatus, HttpExpectation, HttpProbe, JsonPointer,
};
pub use promql::PromqlProbe;
pub use reading::{Reading, Taken};
pub use source::Source;
pub use witness::{Lateness, WitnessPlace, WitnessProbe, Word};

/// What a source of HTTP is described by.
pub use crate::http::{AddressFamily, Header, HttpLimits, HttpRequest, Method, Url, UrlFault};
