//! What SET and RESET set.

/// A parameter that is set, for the session or the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// In lower case; `timezone` for SET TIME ZONE, `all` for RESET ALL.
    pub name: String,
    /// As it is written, without quotes. `None` for DEFAULT, RESET and what cannot be told.
    pub value: Option<String>,
}
