//! Clock, sleep, random and the stop signal: the only home of the real ones.

mod stop;

pub use stop::{Stop, StopCause, StopHandle};

/// Waits. The only sleep of the engine.
pub async fn sleep(duration: std::time::Duration) {
    tokio::time::sleep(duration).await;
}

/// A clock for durations; what time it is, the database says.
pub fn instant() -> std::time::Instant {
    std::time::Instant::now()
}
