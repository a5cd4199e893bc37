//! Clock, sleep, random and the stop signal: the only home of the real ones.

mod beside;
mod resolver;
mod stop;

pub use beside::{Beside, beside};
pub use resolver::says_no_such_name;
pub use stop::{Hangup, Stop, StopCause, StopHandle};

/// Waits. The only sleep of the engine.
pub async fn sleep(duration: std::time::Duration) {
    tokio::time::sleep(duration).await;
}

/// A duration moved by up to a quarter either way, so that two who were turned away together do not come
/// back together.
pub fn jittered(duration: std::time::Duration) -> std::time::Duration {
    use std::hash::{BuildHasher, RandomState};
    // RandomState is seeded by the operating system; nothing here needs more than that.
    let roll = u32::try_from(RandomState::new().hash_one(0) % 1_000).unwrap_or(500);
    duration * (750 + roll / 2) / 1_000
}

/// A clock for durations; what time it is, the database says.
pub fn instant() -> std::time::Instant {
    std::time::Instant::now()
}

/// This machine's idea of the time, for when the database cannot be asked.
pub fn wall_clock() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// 32 hexadecimal digits that nobody has had before.
pub fn random_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    let half = |salt: u8| RandomState::new().hash_one((salt, std::process::id(), wall_clock().as_nanosecond()));
    format!("{:016x}{:016x}", half(0), half(1))
}
