//! The wish to stop, with its cause. Work in hand reaches a safe point before it is heeded.

use tokio::sync::watch;

/// Why to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCause {
    /// SIGINT, Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

/// Asks for the stop. Asking twice changes nothing: the first cause stands.
#[derive(Debug)]
pub struct StopHandle(watch::Sender<Option<StopCause>>);

/// Tells whether a stop was asked for. Cheap to clone; every long wait watches one.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<Option<StopCause>>);

impl Stop {
    /// A stop that nobody has asked for yet, and the handle that asks.
    pub fn new() -> (StopHandle, Self) {
        let (sender, receiver) = watch::channel(None);
        (StopHandle(sender), Self(receiver))
    }

    /// The stop that SIGINT and SIGTERM ask for.
    ///
    /// # Errors
    /// When the operating system refuses the signal handlers.
    pub fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let (handle, stop) = Self::new();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => handle.ask(StopCause::Interrupt),
                    _ = terminate.recv() => handle.ask(StopCause::Terminate),
                }
            }
        });
        Ok(stop)
    }

    pub fn cause(&self) -> Option<StopCause> {
        *self.0.borrow()
    }

    /// Resolves once a stop is asked for; never, when nobody can ask any more.
    pub async fn asked(&self) -> StopCause {
        let mut receiver = self.0.clone();
        match receiver.wait_for(Option::is_some).await.map(|cause| *cause) {
            Ok(Some(cause)) => cause,
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

impl StopHandle {
    pub fn ask(&self, cause: StopCause) {
        self.0.send_if_modified(|stands| {
            let first = stands.is_none();
            if first {
                *stands = Some(cause);
            }
            first
        });
    }
}

/// The wish that the settings be read again: SIGHUP.
#[derive(Debug)]
pub struct Hangup(tokio::signal::unix::Signal);

impl Hangup {
    /// From here on SIGHUP ends the process no longer.
    ///
    /// # Errors
    /// When the operating system refuses the signal handler.
    pub fn on_signal() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::hangup()).map(Self)
    }

    /// Resolves at the next one. Several that came in the meantime are one.
    pub async fn asked(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}
