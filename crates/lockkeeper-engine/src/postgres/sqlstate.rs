//! SQLSTATEs by name (manual, appendix A, PostgreSQL Error Codes).

pub const DEADLOCK_DETECTED: &str = "40P01";
pub const DUPLICATE_TABLE: &str = "42P07";
pub const INSUFFICIENT_PRIVILEGE: &str = "42501";
pub const INVALID_SCHEMA_NAME: &str = "3F000";
pub const LOCK_NOT_AVAILABLE: &str = "55P03";
pub const QUERY_CANCELED: &str = "57014";
pub const READ_ONLY_SQL_TRANSACTION: &str = "25006";
pub const SERIALIZATION_FAILURE: &str = "40001";
pub const UNDEFINED_COLUMN: &str = "42703";
pub const UNDEFINED_FUNCTION: &str = "42883";
pub const UNDEFINED_OBJECT: &str = "42704";
pub const UNDEFINED_TABLE: &str = "42P01";
pub const UNSAFE_NEW_ENUM_VALUE_USAGE: &str = "55P04";

/// Whether the same transaction may succeed when it is tried again.
pub fn is_transient(sqlstate: &str) -> bool {
    matches!(sqlstate, LOCK_NOT_AVAILABLE | DEADLOCK_DETECTED | SERIALIZATION_FAILURE)
}
