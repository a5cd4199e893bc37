//! Measurements of real servers and processes, each of which goes wrong in its own way.

mod http;
mod http_tls;
