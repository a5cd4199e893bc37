//! What undoing a migration would destroy is kept first, and put back when the migration is applied again.

mod returning;
mod taking;

pub use returning::put_back;
pub use taking::{Prepared, losses, prepare, would_lose};

/// A copy is made while nobody else can use the table: what takes more than this on disk is not copied. A machine of
/// moderate speed copies it within a quarter of a second.
pub const BYTES_MAX: u64 = 32 << 20;

/// What fitted when the way back was decided is copied if it has not grown beyond this until then.
const BYTES_MAX_LATER: u64 = 2 * BYTES_MAX;
