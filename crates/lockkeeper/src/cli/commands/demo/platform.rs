//! Where the demo's application runs: a front address that stays, one version behind it, and deploys that lose no request.
//!
//! A new version gets every connection from the moment it serves; the one before ends once its own are answered.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lockkeeper_engine::seams::{instant, sleep};
use tokio::io::{AsyncBufReadExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::wire;

/// How a version is started.
#[derive(Debug)]
pub struct Launch {
    pub program: PathBuf,
    pub folder: PathBuf,
    /// Names that the version must not inherit, and what it finds instead.
    pub removed: Vec<&'static str>,
    pub environment: Vec<(&'static str, OsString)>,
}

/// The addresses of the platform; it works as long as the runtime that it was started on.
#[derive(Debug, Clone)]
pub struct Platform {
    /// For the customers.
    pub front: SocketAddr,
    /// For deploys.
    pub control: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    launch: Launch,
    current: Mutex<Option<Arc<Running>>>,
    /// One deploy at a time.
    deploys: tokio::sync::Mutex<()>,
}

/// A version that serves.
#[derive(Debug)]
struct Running {
    version: String,
    address: SocketAddr,
    /// Connections that were handed to it and are not answered yet.
    open: AtomicUsize,
    process: tokio::sync::Mutex<Child>,
}

/// A version that does not serve after so long does not start.
const START_LIMIT: Duration = Duration::from_secs(20);
/// What is still open after so long is given up, and so is a process that does not end.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
const LOOKED_EVERY: Duration = Duration::from_millis(10);

impl Platform {
    /// Listens; nothing is served before a version is deployed. To be called on the runtime that is to do the work.
    pub async fn start(launch: Launch) -> io::Result<Self> {
        let front = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let control = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let shared = Arc::new(Shared { launch, current: Mutex::default(), deploys: tokio::sync::Mutex::default() });
        let platform = Self { front: front.local_addr()?, control: control.local_addr()?, shared: Arc::clone(&shared) };
        tokio::spawn(each_of(front, Arc::clone(&shared), |shared, client| async move { shared.hand_on(client).await }));
        tokio::spawn(each_of(control, shared, |shared, client| async move { shared.asked(client).await }));
        Ok(platform)
    }

    /// Puts a version in the place of the one that serves.
    pub async fn deploy(&self, version: &str) -> io::Result<()> {
        self.shared.deploy(version).await
    }

    /// Nothing is served any more.
    pub async fn end(&self) {
        let last = self.shared.current.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(last) = last {
            last.retire().await;
        }
    }

    /// The version that serves.
    pub fn version(&self) -> String {
        self.shared.current().map_or_else(String::new, |running| running.version.clone())
    }
}

/// Accepts for as long as it is polled.
async fn each_of<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    shared: Arc<Shared>,
    with: impl Fn(Arc<Shared>, TcpStream) -> F,
) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => drop(tokio::spawn(with(Arc::clone(&shared), client))),
            Err(_) => sleep(LOOKED_EVERY).await,
        }
    }
}

impl Shared {
    fn current(&self) -> Option<Arc<Running>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The version that gets the next connection. It is counted here, under the lock, so that nobody takes it for
    /// drained in between.
    fn next(&self) -> Option<Arc<Running>> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let running = current.as_ref()?;
        running.open.fetch_add(1, Ordering::SeqCst);
        Some(Arc::clone(running))
    }

    async fn hand_on(&self, mut client: TcpStream) {
        let Some(running) = self.next() else { return };
        if let Ok(mut server) = TcpStream::connect(running.address).await {
            // A connection that breaks is seen by its client, who counts it.
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
        running.open.fetch_sub(1, Ordering::SeqCst);
    }

    /// `PUT /versions/2` deploys version 2.
    async fn asked(&self, mut client: TcpStream) {
        let Ok(Some(asked)) = wire::asked(&mut client).await else { return };
        let said = match (asked.method.as_str(), asked.path.strip_prefix("/versions/")) {
            ("PUT", Some(version)) => match self.deploy(version).await {
                Ok(()) => (200, format!("version {version} serves\n")),
                Err(error) => (500, format!("version {version} does not start: {error}\n")),
            },
            _ => (404, "no such page\n".to_owned()),
        };
        // Whoever asked may have been stopped meanwhile; the version serves all the same.
        let _ = wire::answer(&mut client, said.0, &said.1).await;
    }

    async fn deploy(&self, version: &str) -> io::Result<()> {
        let _only = self.deploys.lock().await;
        if self.current().is_some_and(|running| running.version == version) {
            return Ok(());
        }
        let running = Arc::new(self.launch.start(version).await?);
        let before = self.current.lock().unwrap_or_else(PoisonError::into_inner).replace(running);
        if let Some(before) = before {
            before.retire().await;
        }
        Ok(())
    }
}

impl Launch {
    async fn start(&self, version: &str) -> io::Result<Running> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join("shop.log"))?;
        let mut command = Command::new(&self.program);
        for name in &self.removed {
            command.env_remove(name);
        }
        let mut child = command
            .arg("--project-dir")
            .arg(&self.folder)
            .args(["demo-shop", "serve", "--version", version])
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder)
            // The end of its input ends it, and so does the end of this process, however that comes about. A Ctrl-C is
            // for us alone.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("no standard output"))?;
        let mut lines = BufReader::new(output).lines();
        let line = tokio::select! {
            line = lines.next_line() => line?,
            () = sleep(START_LIMIT) => return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not serve")),
        };
        let address = line.as_deref().and_then(|line| line.parse().ok());
        let address = address.ok_or_else(|| io::Error::other(format!("it said {line:?}; see shop.log")))?;
        Ok(Running {
            version: version.to_owned(),
            address,
            open: AtomicUsize::new(0),
            process: tokio::sync::Mutex::new(child),
        })
    }
}

impl Running {
    /// Waits until everybody who was handed to it has an answer, and ends it.
    async fn retire(&self) {
        let began = instant();
        while self.open.load(Ordering::SeqCst) > 0 && began.elapsed() < DRAIN_LIMIT {
            sleep(LOOKED_EVERY).await;
        }
        let mut process = self.process.lock().await;
        drop(process.stdin.take());
        tokio::select! {
            _ = process.wait() => {}
            () = sleep(DRAIN_LIMIT) => {
                // What has ended meanwhile cannot be killed, and need not be.
                let _ = process.kill().await;
            }
        }
    }
}
