//! PostgreSQL's version number.

/// `server_version_num`, e.g. 150018 for 15.18 (manual, section 20.15, Preset Options).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerVersion(i32);

impl ServerVersion {
    /// The oldest supported version.
    pub const OLDEST: Self = Self(140_000);

    pub const fn from_num(server_version_num: i32) -> Self {
        Self(server_version_num)
    }

    pub const fn major(self) -> i32 {
        self.0 / 10_000
    }

    pub const fn minor(self) -> i32 {
        self.0 % 10_000
    }

    pub const fn is_supported(self) -> bool {
        self.0 >= Self::OLDEST.0
    }
}

impl std::fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major(), self.minor())
    }
}
