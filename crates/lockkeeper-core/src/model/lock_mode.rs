//! PostgreSQL's table-level lock modes.

/// Table-level lock modes, weakest first (manual, section 13.3.1, Table-Level Locks).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

/// What waits for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blocks {
    ReadsAndWrites,
    Writes,
    /// Other changes of the schema, and VACUUM.
    SchemaChanges,
    /// Nothing that an application does: it is a lock that reading and writing rows takes too.
    Nothing,
}

impl Blocks {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadsAndWrites => "reads_and_writes",
            Self::Writes => "writes",
            Self::SchemaChanges => "schema_changes",
            Self::Nothing => "nothing",
        }
    }
}

impl LockMode {
    pub const ALL: [Self; 8] = [
        Self::AccessShare,
        Self::RowShare,
        Self::RowExclusive,
        Self::ShareUpdateExclusive,
        Self::Share,
        Self::ShareRowExclusive,
        Self::Exclusive,
        Self::AccessExclusive,
    ];

    /// The name in the manual.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessShare => "ACCESS SHARE",
            Self::RowShare => "ROW SHARE",
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        }
    }

    /// The name in `pg_locks.mode`.
    pub const fn pg_locks_name(self) -> &'static str {
        match self {
            Self::AccessShare => "AccessShareLock",
            Self::RowShare => "RowShareLock",
            Self::RowExclusive => "RowExclusiveLock",
            Self::ShareUpdateExclusive => "ShareUpdateExclusiveLock",
            Self::Share => "ShareLock",
            Self::ShareRowExclusive => "ShareRowExclusiveLock",
            Self::Exclusive => "ExclusiveLock",
            Self::AccessExclusive => "AccessExclusiveLock",
        }
    }

    /// Whether INSERT, UPDATE and DELETE of others wait.
    pub const fn blocks_writes(self) -> bool {
        matches!(self, Self::Share | Self::ShareRowExclusive | Self::Exclusive | Self::AccessExclusive)
    }

    /// What others do that waits for it.
    pub const fn blocks(self) -> Blocks {
        match self {
            Self::AccessExclusive => Blocks::ReadsAndWrites,
            Self::Exclusive | Self::ShareRowExclusive | Self::Share => Blocks::Writes,
            Self::ShareUpdateExclusive => Blocks::SchemaChanges,
            Self::RowExclusive | Self::RowShare | Self::AccessShare => Blocks::Nothing,
        }
    }

    /// Whether even SELECT of others waits.
    pub const fn blocks_reads(self) -> bool {
        matches!(self, Self::AccessExclusive)
    }
}
