//! An application over HTTP whose version is in a file: deploying is writing the file. Each version has a statement that
//! a request runs, and may fail by itself; every request is counted, and so is what its clients saw.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use lockkeeper_engine::postgres::{Connection, Target, connect};
use tokio::runtime::Runtime;

/// The code of one version.
#[derive(Debug, Clone)]
pub struct Code {
    /// What a request runs.
    pub sql: String,
    /// Every so many requests one fails, whatever the database says.
    pub fails_every: Option<u64>,
}

impl Code {
    pub fn running(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), fails_every: None }
    }

    #[must_use]
    pub const fn failing_every(mut self, requests: u64) -> Self {
        self.fails_every = Some(requests);
        self
    }
}

/// The application, which is gone with this value.
#[derive(Debug)]
pub struct Storefront {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: Target,
    version: PathBuf,
    codes: BTreeMap<String, Code>,
    runtime: Runtime,
    idle: Mutex<Vec<Connection>>,
    begun: AtomicU64,
    /// Those that have ended, so that errors are always among them.
    requests: AtomicU64,
    errors: AtomicU64,
    is_over: AtomicBool,
}

/// An application rides out a database that restarts for so long.
const RIDES_OUT: Duration = Duration::from_secs(10);

impl Storefront {
    /// Serves the version that the file names, from the codes that it knows. A version that it does not know fails.
    ///
    /// # Panics
    /// When there is no port, or no thread.
    pub fn start(target: Target, version: &Path, codes: &[(&str, Code)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("no port: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("no address: {error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let shared = Arc::new(Shared {
            target,
            version: version.to_owned(),
            codes: codes.iter().map(|(name, code)| ((*name).to_owned(), code.clone())).collect(),
            runtime: runtime.unwrap_or_else(|error| panic!("no runtime: {error}")),
            idle: Mutex::default(),
            begun: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(client) = client else { continue };
                let shared = Arc::clone(&accepting);
                // It ends with its request; nobody waits for it.
                std::thread::spawn(move || {
                    let _ = shared.serve(client);
                });
            }
        });
        Self { address, shared }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Requests at this rate until the answer is dropped or asked for.
    pub fn traffic(&self, a_second: u32) -> Traffic {
        Traffic::start(self.address, a_second)
    }
}

impl Drop for Storefront {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // Whoever waits for a client gets one, and sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        client.set_nodelay(true)?;
        client.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut head = Vec::new();
        let mut byte = [0; 1024];
        while !head.windows(4).any(|four| four == b"\r\n\r\n") {
            let read = client.read(&mut byte)?;
            if read == 0 {
                return Ok(());
            }
            head.extend_from_slice(&byte[..read]);
        }
        let head = String::from_utf8_lossy(&head);
        if head.starts_with("GET /counters") {
            let errors = self.errors.load(Ordering::SeqCst);
            let requests = self.requests.load(Ordering::SeqCst);
            return answer(&mut client, 200, &format!("{{\"requests\": {requests}, \"errors\": {errors}}}"));
        }
        let version = std::fs::read_to_string(&self.version).unwrap_or_default();
        let version = version.trim();
        if head.starts_with("GET /version") {
            return answer(&mut client, 200, version);
        }
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let result = match self.codes.get(version) {
            None => Err(format!("no version {version:?}")),
            Some(code) if code.fails_every.is_some_and(|every| number.is_multiple_of(every)) => {
                Err("the code fails".to_owned())
            }
            Some(code) => self.runtime.block_on(self.run(&code.sql)),
        };
        self.requests.fetch_add(1, Ordering::SeqCst);
        match result {
            Ok(()) => answer(&mut client, 200, version),
            Err(error) => {
                self.errors.fetch_add(1, Ordering::SeqCst);
                answer(&mut client, 500, &error)
            }
        }
    }

    async fn run(&self, sql: &str) -> Result<(), String> {
        let began = Instant::now();
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => Ok(connection),
                None => connect(&self.target).await.map_err(|problem| problem.to_string()),
            };
            let error = match connection {
                Ok(connection) => match connection.client().batch_execute(sql).await {
                    Ok(()) => {
                        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
                        return Ok(());
                    }
                    Err(error) => match error.as_db_error() {
                        // The statement is wrong; a server that goes down says 57P01 and the like.
                        Some(said) if !said.code().code().starts_with("57") => return Err(said.to_string()),
                        _ => error.to_string(),
                    },
                },
                Err(error) => error,
            };
            if began.elapsed() > RIDES_OUT {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn answer(client: &mut TcpStream, status: u16, body: &str) -> std::io::Result<()> {
    write!(
        client,
        "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Clients of the application: what they asked for, and what failed when.
#[derive(Debug)]
pub struct Traffic {
    stop: Arc<AtomicBool>,
    worker: Option<std::thread::JoinHandle<Seen>>,
}

/// What the clients saw.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub requests: u64,
    /// When the failed ones had been asked, with what was said.
    pub failures: Vec<(SystemTime, String)>,
}

impl Traffic {
    fn start(address: SocketAddr, a_second: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let worker = std::thread::spawn(move || {
            let began = Instant::now();
            let seen = Arc::new(Mutex::new(Seen::default()));
            let mut clients = Vec::new();
            let mut due = began;
            while !stopped.load(Ordering::Relaxed) {
                due += Duration::from_secs(1) / a_second;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                let seen = Arc::clone(&seen);
                // A client that waits keeps no other one from asking.
                clients.push(std::thread::spawn(move || {
                    let at = SystemTime::now();
                    let result = ask(address);
                    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.requests += 1;
                    if let Err(error) = result {
                        seen.failures.push((at, error));
                    }
                }));
                clients.retain(|client| !client.is_finished());
            }
            for client in clients {
                let _ = client.join();
            }
            seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
        });
        Self { stop, worker: Some(worker) }
    }

    /// Ends it.
    pub fn end(mut self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.worker.take().and_then(|worker| worker.join().ok()).unwrap_or_default()
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn ask(address: SocketAddr) -> Result<(), String> {
    let said = |error: std::io::Error| error.to_string();
    let mut server = TcpStream::connect(address).map_err(said)?;
    server.set_read_timeout(Some(Duration::from_secs(15))).map_err(said)?;
    server.write_all(b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n").map_err(said)?;
    let mut answer = String::new();
    server.read_to_string(&mut answer).map_err(said)?;
    if answer.starts_with("HTTP/1.1 200 ") {
        Ok(())
    } else {
        Err(answer.lines().last().unwrap_or("nothing").to_owned())
    }
}
