//! Measurements of real servers and processes, each of which goes wrong in its own way.

mod command;
mod counters;
mod database;
mod host;
mod http;
mod http_tls;
mod promql;
mod witness;
