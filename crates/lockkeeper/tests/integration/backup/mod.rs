//! Backups of a real database: made, listed, altered, killed in the middle, restored and compared.

mod gate;
mod hooks;
mod making;
mod trouble;
mod yard;
