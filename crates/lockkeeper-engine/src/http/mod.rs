//! One request and its answer: who is asked, over which connection, and why there was none.
//!
//! Nothing is kept between two requests, so that each shows what a new client would meet.

mod exchange;
mod failure;
mod phases;
mod request;
mod roots;
mod server;
mod url;

pub use exchange::{Client, Exchange};
pub use failure::{Failure, Fault};
pub use hyper::Method;
pub use phases::{Phase, Stopwatch};
pub use request::{AddressFamily, Header, HttpLimits, HttpRequest};
pub use roots::authorities;
pub use server::{Asked, Page, listen, serve};
pub use url::{Url, UrlFault};
