//! The engine against real servers: one binary, so that it is linked once.

mod fake_server;
mod psql;
mod connect;
mod connect_problems;
mod tls;
mod tls_problems;
mod private_server;
mod probe;
mod health_ledger;
mod notify;
