//! A service with the endpoints that a health gate needs, in plain Rust without any crate.
//!
//!     rustc --edition 2024 main.rs && PORT=8080 PGHOST=… PGDATABASE=… ./main
//!
//! It finds its database by libpq's variables, and asks it through psql; a service of yours has a driver for that.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The number of the migration that this build was written against.
const NEEDS_SCHEMA: i64 = 1;

const SCHEMA: &str = "SELECT coalesce(max(number), 0) FROM lockkeeper.migrations WHERE state = 'applied'";

/// How often the database is looked at, whoever asks how often.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A look that is older says nothing: whoever looks may hang.
const LOOK_OLD: Duration = Duration::from_secs(5);

/// What the last look at the database brought.
struct Look {
    at: Instant,
    /// The schema's number, or why it is not known.
    schema: Result<i64, String>,
}

/// Both counters behind one lock: whoever reads them never sees an error whose request is not counted yet.
#[derive(Clone, Copy)]
struct Counters {
    requests: u64,
    errors: u64,
}

struct Service {
    began: SystemTime,
    look: Mutex<Look>,
    counters: Mutex<Counters>,
}

struct Answer {
    status: &'static str,
    content_type: &'static str,
    body: String,
}

fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    let service = Arc::new(Service {
        began: SystemTime::now(),
        look: Mutex::new(Look { at: Instant::now(), schema: Err("nobody has looked yet".to_owned()) }),
        // Both series are there from the first moment on, with 0.
        counters: Mutex::new(Counters { requests: 0, errors: 0 }),
    });
    let looking = Arc::clone(&service);
    std::thread::spawn(move || {
        loop {
            let schema = schema();
            *lock(&looking.look) = Look { at: Instant::now(), schema };
            std::thread::sleep(LOOK_EVERY);
        }
    });
    println!("listening on {}", listener.local_addr()?);
    for client in listener.incoming() {
        let (client, service) = (client?, Arc::clone(&service));
        // Whoever hangs up in the middle has nobody to complain to.
        std::thread::spawn(move || drop(service.serve(client)));
    }
    Ok(())
}

impl Service {
    fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        client.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut lines = BufReader::new(client.try_clone()?).lines();
        let request = lines.next().unwrap_or(Ok(String::new()))?;
        while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        let answer = match request.split(' ').nth(1).unwrap_or_default() {
            "/livez" => text("200 OK", "alive\n".to_owned()),
            "/readyz" => self.readiness(),
            "/metrics" => self.metrics(),
            "/counters" => self.counters_as_json(),
            // Everything else is what the service is there for, and only that is counted.
            path => self.counted(path),
        };
        let Answer { status, content_type, body } = answer;
        let length = body.len();
        write!(
            client,
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
             Cache-Control: no-store\r\nConnection: close\r\n\r\n{body}"
        )
    }

    /// Whether it can work, from the last look: an answer never waits for the database.
    fn readiness(&self) -> Answer {
        let look = lock(&self.look);
        let age = look.at.elapsed();
        let why = match &look.schema {
            _ if age > LOOK_OLD => Some("the last look at the database is too old".to_owned()),
            Err(why) => Some(why.clone()),
            Ok(is) if *is < NEEDS_SCHEMA => Some(format!("the schema is at {is}, and {NEEDS_SCHEMA} is needed")),
            Ok(_) => None,
        };
        let is = look.schema.as_ref().map_or("null".to_owned(), i64::to_string);
        let reason = why.as_deref().map_or("null".to_owned(), quoted);
        let body = format!(
            "{{\"ready\": {}, \"reason\": {reason}, \"schema\": {{\"is\": {is}, \"needs\": {NEEDS_SCHEMA}}}, \
             \"looked_ms_ago\": {}}}\n",
            why.is_none(),
            age.as_millis()
        );
        json(if why.is_none() { "200 OK" } else { "503 Service Unavailable" }, body)
    }

    /// A request of a user: what it was answered decides whether it is an error. One that the user got wrong is none.
    fn counted(&self, path: &str) -> Answer {
        let answer = self.work(path);
        let mut counters = lock(&self.counters);
        counters.requests += 1;
        counters.errors += u64::from(answer.status.starts_with('5'));
        answer
    }

    /// The service itself, which needs its database.
    fn work(&self, path: &str) -> Answer {
        match &lock(&self.look).schema {
            _ if path != "/" => text("404 Not Found", "there is nothing here\n".to_owned()),
            Ok(schema) if *schema >= NEEDS_SCHEMA => text("200 OK", "hello\n".to_owned()),
            Ok(_) | Err(_) => text("500 Internal Server Error", "it did not work\n".to_owned()),
        }
    }

    fn metrics(&self) -> Answer {
        let Counters { requests, errors } = *lock(&self.counters);
        let began = self.began.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let body = format!(
            "# TYPE http_requests_total counter\nhttp_requests_total {requests}\n\
             # TYPE http_errors_total counter\nhttp_errors_total {errors}\n\
             # TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {began}\n"
        );
        Answer { status: "200 OK", content_type: "text/plain; version=0.0.4", body }
    }

    fn counters_as_json(&self) -> Answer {
        let Counters { requests, errors } = *lock(&self.counters);
        json("200 OK", format!("{{\"requests\": {requests}, \"errors\": {errors}}}\n"))
    }
}

/// The number of the last migration that stands. Neither the connection nor the statement may take long.
fn schema() -> Result<i64, String> {
    let output = Command::new("psql")
        .args(["--no-psqlrc", "--tuples-only", "--no-align", "--command", SCHEMA])
        .env("PGCONNECT_TIMEOUT", "2")
        .env("PGOPTIONS", "-c statement_timeout=1000")
        .output()
        .map_err(|error| error.to_string())?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if !output.status.success() {
        return Err(said(&output.stderr));
    }
    said(&output.stdout).parse().map_err(|_| "the database said no number".to_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text(status: &'static str, body: String) -> Answer {
    Answer { status, content_type: "text/plain", body }
}

fn json(status: &'static str, body: String) -> Answer {
    Answer { status, content_type: "application/json", body }
}

/// A text as JSON has it.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|char| match char {
            '"' | '\\' => format!("\\{char}"),
            char if char.is_control() => format!("\\u{:04x}", u32::from(char)),
            char => char.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}
