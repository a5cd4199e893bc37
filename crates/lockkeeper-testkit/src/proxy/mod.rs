//! A proxy between the program and its server that lets the n-th effect go wrong.
//!
//! An **effect** is one message of the client's after which the server acts and answers `ReadyForQuery`: a
//! simple `Query`, with as many statements as it holds, or a group of the extended protocol (Parse, Bind,
//! Describe, Execute …) up to its `Sync`. Nothing else a client sends makes the server do anything that could
//! be lost. The start of a connection, its end and cancel requests are passed on and not counted.
//!
//! All connections of the program count in one sequence, in the order in which the proxy reads them. The program
//! sends plain text here (`sslmode=disable`); the server is reached over its Unix socket.

/// One client's connection, moved message by message.
mod connection;
/// The protocol's messages, as far as the proxy tells them apart.
mod frame;
#[cfg(test)]
mod tests;

use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use lockkeeper_engine::postgres::Target;

/// What happens at an effect.
pub enum Fault {
    /// The program is killed (SIGKILL) before the message reaches the server.
    KillBefore,
    /// The message reaches the server, and the program is killed without waiting for the answer.
    KillAfter,
    /// The connection breaks in the middle of the message: the server gets half of its bytes. So do all other
    /// connections of the program.
    Cut,
    /// The server does it all and answers, and the connection breaks before the answer arrives. What the program
    /// had sent behind it without waiting is lost.
    LoseReply,
    /// The server itself fails the statement with this SQLSTATE: another text is put in its place. A statement with
    /// parameters fails as unreadable instead (42601), and ROLLBACK is passed on, because no server fails it.
    Fail(&'static str),
    /// Whatever the test wants, before the message is passed on to what is then left of the server: to stop
    /// it, for example.
    Call(Box<dyn FnOnce() + Send>),
}

impl Fault {
    /// `disk_full`: trying again at once does not help.
    pub const DISK_FULL: &str = "53100";
    /// `lock_not_available`: trying again may help.
    pub const LOCK_NOT_AVAILABLE: &str = "55P03";
    /// What a statement says that was made to fail.
    pub const MESSAGE: &str = "this is the fault";
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::KillBefore => "kill before",
            Self::KillAfter => "kill after",
            Self::Cut => "cut",
            Self::LoseReply => "lost reply",
            Self::Fail(sqlstate) => return write!(f, "fail with {sqlstate}"),
            Self::Call(_) => "call",
        })
    }
}

/// A listening proxy. Dropping it ends all connections through it.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    target: Target,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// The server's socket.
    upstream: PathBuf,
    state: Mutex<State>,
    /// Told when the program's process is known.
    started: Condvar,
}

#[derive(Debug)]
struct State {
    /// The number of the effect, counted from 1, at which it happens.
    fault: Option<(usize, Fault)>,
    pid: Option<i32>,
    /// The texts of all effects so far.
    effects: Vec<String>,
    fired: bool,
    is_over: bool,
    /// Both ends of every connection, so that all of them can be broken at once.
    open: Vec<(TcpStream, UnixStream)>,
}

/// How long a fault waits to be told whom to kill.
const PATIENCE: Duration = Duration::from_secs(30);

impl Proxy {
    /// Listens on the loopback interface and passes on to `target`, whose server must trust its socket.
    /// `fault` happens at the effect of that number, counted from 1.
    ///
    /// # Panics
    /// When no port is to be had, or the target is not reached over a socket.
    #[track_caller]
    pub fn start(target: &Target, fault: Option<(usize, Fault)>) -> Self {
        let upstream = target.socket_path().unwrap_or_else(|| panic!("the proxy reaches servers over their socket"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap_or_else(|error| panic!("no port: {error}"));
        let port = listener.local_addr().unwrap_or_else(|error| panic!("no port: {error}")).port();
        let state = State { fault, pid: None, effects: Vec::new(), fired: false, is_over: false, open: Vec::new() };
        let shared = Arc::new(Shared { upstream, state: Mutex::new(state), started: Condvar::new() });
        let accepting = Arc::clone(&shared);
        let listener = std::thread::spawn(move || accept(&listener, &accepting));
        Self { port, target: target.clone(), shared, listener: Some(listener) }
    }

    /// The settings by which a child process comes through this proxy.
    pub fn env(&self) -> Vec<(String, String)> {
        [
            ("DB_HOST", "127.0.0.1".to_owned()),
            ("DB_PORT", self.port.to_string()),
            ("DB_NAME", self.target.database.clone()),
            ("DB_USER", self.target.user.clone()),
            ("DB_SSLMODE", "disable".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// Says which process is the program. A fault that kills waits for this.
    pub fn client(&self, pid: u32) {
        self.shared.state().pid = i32::try_from(pid).ok();
        self.shared.started.notify_all();
    }

    /// The effects seen so far.
    pub fn effects(&self) -> Vec<String> {
        self.shared.state().effects.clone()
    }

    /// Whether the fault has happened.
    pub fn has_fired(&self) -> bool {
        self.shared.state().fired
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.state().is_over = true;
        self.shared.break_all();
        // The listener wakes up, sees that it is over and ends.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an effect, and hands out the fault when it is this one's turn.
    fn count(&self, text: String) -> Option<Fault> {
        let mut state = self.state();
        state.effects.push(text);
        let number = state.effects.len();
        let (_, fault) = state.fault.take_if(|(at, _)| *at == number)?;
        state.fired = true;
        Some(fault)
    }

    fn kill(&self) {
        let state = self.state();
        let (state, _) = self
            .started
            .wait_timeout_while(state, PATIENCE, |state| state.pid.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(pid) = state.pid {
            // When it is gone already there is nobody left to kill.
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
    }

    /// Breaks every connection, to the program and to the server.
    fn break_all(&self) {
        for (client, server) in self.state().open.drain(..) {
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        let Ok(client) = client else { continue };
        if shared.state().is_over {
            return;
        }
        let shared = Arc::clone(shared);
        // It ends with its connection; nobody waits for it.
        std::thread::spawn(move || connection::serve(&client, &shared));
    }
}
