//! Takes measurements: of HTTP services, counters, Prometheus, databases, hosts and commands.
//!
//! Nothing is judged here beyond one measurement by itself; what follows from several of them is decided in
//! `core::health`. Every source keeps what it needs between two takes, and no take lasts longer than its limit.

mod bound;
mod http;
mod reading;

pub use bound::{Bound, Comparison};
pub use http::{
    AddressFamily, BodyCondition, ExpectedStatus, Header, HttpExpectation, HttpLimits, HttpProbe, HttpRequest,
    JsonPointer, Url, UrlFault,
};
pub use reading::{Reading, Taken};
