//! A database that goes away for a while: a restart, a failover.

use std::time::{Duration, Instant};

use lockkeeper_core::model::{Answer, Problem};

use super::{ASKED_EVERY, Driver, JourneyNews, Teller};
use crate::driver::session::{Session, stopped};
use crate::seams::{instant, sleep};

/// While the database cannot be reached, it is asked again for so long: a restart or a failover takes less.
const UNREACHABLE_FOR: Duration = Duration::from_mins(5);

impl Driver<'_> {
    /// Does something with the database that may be done twice, and again when the connection broke meanwhile.
    pub(super) async fn patiently<T>(
        &mut self,
        tell: &mut Teller<'_>,
        work: impl AsyncFn(&Self) -> Answer<T>,
    ) -> Answer<T> {
        let began = instant();
        loop {
            let problem = match work(self).await {
                Ok(value) => return Ok(value),
                Err(problem) => problem,
            };
            if !is_lost(&problem, &self.session) || began.elapsed() > UNREACHABLE_FOR {
                return Err(problem);
            }
            tell(JourneyNews::Unreachable { problem: &problem });
            self.reconnect(began, problem).await?;
        }
    }

    /// A new connection in place of the one that broke, for as long as it is worth waiting.
    async fn reconnect(&mut self, began: Instant, problem: Box<Problem>) -> Answer<()> {
        loop {
            if self.session.reconnect().await.is_ok() {
                return Ok(());
            }
            if began.elapsed() > UNREACHABLE_FOR {
                return Err(problem);
            }
            tokio::select! {
                () = sleep(ASKED_EVERY) => {}
                cause = self.session.stop.asked() => return Err(stopped(cause)),
            }
        }
    }
}

/// Whether a problem is that the server went away. The connection may not know yet that it is closed, and a server
/// that shuts down says so first (class 57).
pub(super) fn is_lost(problem: &Problem, session: &Session) -> bool {
    let goes_down = problem.server.as_ref().is_some_and(|said| said.sqlstate.starts_with("57P"));
    goes_down || problem.message.id == "connection-lost" || session.connection.is_closed()
}
