//! A reader that keeps its transaction open: a nightly report, a forgotten session.

use std::thread::JoinHandle;
use std::time::Duration;

use lockkeeper_engine::postgres::Target;

use crate::open_session::OpenSession;

/// A transaction that has read something and stays open for a while, with the lock that reading took.
#[derive(Debug)]
pub struct LongReader {
    thread: JoinHandle<()>,
}

impl LongReader {
    /// Returns once it has read and so holds its lock.
    ///
    /// # Panics
    /// When the server refuses the statement.
    #[track_caller]
    pub fn hold(target: &Target, sql: &str, time: Duration) -> Self {
        let target = Target { application_name: "nightly report".to_owned(), ..target.clone() };
        let session = OpenSession::open(&target);
        session.execute(&format!("BEGIN; {sql}"));
        let thread = std::thread::spawn(move || {
            std::thread::sleep(time);
            session.execute("COMMIT");
        });
        Self { thread }
    }

    /// Whether it holds its transaction still.
    pub fn is_holding(&self) -> bool {
        !self.thread.is_finished()
    }

    /// Waits until it has committed.
    ///
    /// # Panics
    /// When its COMMIT failed: somebody has ended it.
    #[track_caller]
    pub fn wait(self) {
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}
