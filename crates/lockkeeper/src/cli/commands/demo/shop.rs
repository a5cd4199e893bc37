//! `demo-shop`: the application of the demo and the command that deploys it. Hidden: nobody else has a use for it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Problem};
use lockkeeper_engine::postgres::{Connection, Target, connect};
use lockkeeper_engine::seams::sleep;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::wire;
use crate::cli::context::Context;

/// The application that the demo deploys
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lockkeeper demo   # which starts it")]
pub struct Args {
    /// What to do
    #[arg(value_enum)]
    action: Action,
    /// The version of its code [env: `LOCKKEEPER_VERSION`]
    #[arg(long, value_name = "VERSION", env = "LOCKKEEPER_VERSION")]
    version: String,
    /// With deploy: whom to ask for it
    #[arg(long, value_name = "ADDRESS")]
    platform: Option<SocketAddr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Action {
    /// Serve until standard input ends
    Serve,
    /// Have a version deployed, and wait until it serves
    Deploy,
}

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    match args.action {
        Action::Serve => serve(args, context).await,
        Action::Deploy => deploy(args, context).await,
    }
}

fn failed(reason: impl std::fmt::Display) -> Box<Problem> {
    Problem::new(ExitClass::Refused, message!("demo-failed", reason = reason.to_string()))
}

/// What one version does with its database.
struct Code {
    /// A customer, as the page shows it.
    page: &'static str,
    /// A customer's new first and last name.
    rename: &'static str,
}

impl Code {
    fn of(version: &str) -> Option<Self> {
        Some(match version {
            "1" => Self {
                page: "SELECT first_name || ' ' || last_name FROM customers WHERE id = $1",
                rename: "UPDATE customers SET first_name = $2, last_name = $3 WHERE id = $1",
            },
            "2" => Self {
                page: "SELECT full_name FROM customers WHERE id = $1",
                rename: "UPDATE customers SET full_name = $2::text || ' ' || $3::text WHERE id = $1",
            },
            // Its author did not think of customers who have not ordered anything yet: a division by zero.
            "3" => Self {
                page: "SELECT c.full_name || ', ' || (SELECT coalesce(sum(o.total_cents), 0) / count(*) \
                       FROM orders o WHERE o.customer_id = c.id) FROM customers c WHERE c.id = $1",
                rename: "UPDATE customers SET full_name = $2::text || ' ' || $3::text WHERE id = $1",
            },
            _ => return None,
        })
    }
}

struct Shop {
    code: Code,
    target: Target,
    idle: Mutex<Vec<Connection>>,
    places: Semaphore,
    /// Requests that have ended, and those of them that failed, read and written together.
    counted: Mutex<(u64, u64)>,
}

/// So many requests are at the database at the same time; others wait for their turn.
const CONNECTIONS_MAX: usize = 12;

async fn serve(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let code = Code::of(&args.version).ok_or_else(|| failed(format!("no version {}", args.version)))?;
    let target = context.settings.target()?.clone();
    // It does not say that it serves before it has seen its database.
    let first = connect(&target).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let shop = Arc::new(Shop {
        code,
        target,
        idle: Mutex::new(vec![first]),
        places: Semaphore::new(CONNECTIONS_MAX),
        counted: Mutex::default(),
    });
    context.printer.document(&address.to_string());
    let mut over = whoever_started_it_is_gone();
    let mut requests = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A client that is gone already is no reason to end.
                let Ok((client, _)) = accepted else { continue };
                let shop = Arc::clone(&shop);
                requests.spawn(async move { shop.answer(client).await });
            }
            Some(_) = requests.join_next() => {}
            _ = &mut over => break,
        }
    }
    // Whoever has asked gets an answer.
    while requests.join_next().await.is_some() {}
    Ok(0)
}

/// Standard input is held open by whoever started it, and ends with that process even when it is killed.
fn whoever_started_it_is_gone() -> tokio::sync::oneshot::Receiver<()> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        // Nobody listens any more when it ends by itself.
        let _ = sender.send(());
    });
    receiver
}

/// A client that says nothing for so long is cut off.
const CLIENT_LIMIT: Duration = Duration::from_secs(10);

impl Shop {
    async fn answer(&self, mut client: TcpStream) {
        // A client that goes away while it is answered is its own business.
        let _ = tokio::select! {
            done = self.answer_one(&mut client) => done,
            () = sleep(CLIENT_LIMIT) => Ok(()),
        };
    }

    async fn answer_one(&self, client: &mut TcpStream) -> std::io::Result<()> {
        let Some(asked) = wire::asked(client).await? else { return Ok(()) };
        let words: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
        match (asked.method.as_str(), words.as_slice()) {
            ("GET", ["metrics"]) => wire::answer(client, 200, &self.metrics()).await,
            ("GET", ["customers", id]) => {
                let page = self.page(id, None).await;
                self.count_and_answer(client, page).await
            }
            ("PUT", ["customers", id, first, last]) => {
                let page = self.page(id, Some((*first, *last))).await;
                self.count_and_answer(client, page).await
            }
            _ => wire::answer(client, 404, "no such page\n").await,
        }
    }

    async fn count_and_answer(&self, client: &mut TcpStream, page: Result<String, String>) -> std::io::Result<()> {
        {
            let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
            counted.0 += 1;
            counted.1 += u64::from(page.is_err());
        }
        match page {
            Ok(page) => wire::answer(client, 200, &page).await,
            Err(reason) => wire::answer(client, 500, &reason).await,
        }
    }

    fn metrics(&self) -> String {
        let (requests, errors) = *self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        format!(
            "# TYPE http_requests_total counter\nhttp_requests_total {requests}\n\
             # TYPE http_errors_total counter\nhttp_errors_total {errors}\n"
        )
    }

    async fn page(&self, id: &str, name: Option<(&str, &str)>) -> Result<String, String> {
        let id: i64 = id.parse().map_err(|_| "no such customer".to_owned())?;
        if let Some((first, last)) = name {
            self.ask(&Statement::Rename { id, first, last }).await?;
        }
        self.ask(&Statement::Page { id }).await?.ok_or_else(|| "no such customer".to_owned())
    }

    /// The first value of the first row.
    async fn ask(&self, statement: &Statement<'_>) -> Result<Option<String>, String> {
        let _place = self.places.acquire().await.map_err(|error| error.to_string())?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle.filter(|connection| !connection.is_closed()) {
            Some(connection) => connection,
            None => connect(&self.target).await.map_err(|problem| problem.to_string())?,
        };
        let client = connection.client();
        let rows = match statement {
            Statement::Page { id } => client.query(self.code.page, &[id]).await,
            Statement::Rename { id, first, last } => client.query(self.code.rename, &[id, first, last]).await,
        };
        // After an error of a statement the session is as good as before.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        let rows = rows.map_err(|error| error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string))?;
        Ok(rows.first().map(|row| row.get(0)))
    }
}

/// What the database is asked.
enum Statement<'s> {
    Page { id: i64 },
    Rename { id: i64, first: &'s str, last: &'s str },
}

/// A deploy that takes longer has failed.
const DEPLOY_LIMIT: Duration = Duration::from_mins(1);

async fn deploy(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let platform = args.platform.ok_or_else(|| failed("nobody to ask: --platform"))?;
    let path = format!("/versions/{}", args.version);
    let answer = tokio::select! {
        answer = wire::ask(platform, "PUT", &path) => answer.map_err(failed)?,
        () = sleep(DEPLOY_LIMIT) => return Err(failed("no answer")),
    };
    match answer {
        (200, said) => {
            context.printer.line(said.trim());
            Ok(0)
        }
        (_, reason) => Err(failed(reason)),
    }
}
