//! A throw-away database in which migrations are tried. It has no ledger: nothing in it is worth a record.

use std::collections::BTreeMap;
use std::path::Path;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Message, ObjectDifference, Problem};
use lockkeeper_core::parse::MigrationFile;
use lockkeeper_core::plan::{RunMode, Step};

use super::failure;
use crate::ledger::{batch, inventory, problem};
use crate::postgres::{Connection, PrivateServer, PrivateServerOptions, ServerBinaries, SqlError, Target, connect};

/// Each object's definition, by kind and identity.
pub type Schema = BTreeMap<(String, String), String>;

/// Where scratch databases are made.
#[derive(Debug)]
pub struct Shadow {
    /// Gone with this value.
    server: Option<PrivateServer>,
    admin: Target,
}

impl Shadow {
    /// A private server of that major version, or of any when none is asked for.
    ///
    /// # Errors
    /// When no such programs are on this machine, or the server does not start.
    pub fn private(major: Option<i32>) -> Answer<Self> {
        let path = std::env::var_os("PATH");
        let binaries = match major {
            Some(major) => ServerBinaries::of_major(major, path.as_deref())?,
            None => ServerBinaries::find(None, path.as_deref())?,
        };
        let options =
            PrivateServerOptions { binaries: Some(binaries.dir().to_owned()), ..PrivateServerOptions::default() };
        let server = PrivateServer::start(&options)?;
        Ok(Self { admin: server.target(), server: Some(server) })
    }

    /// Scratch databases on a server that somebody runs.
    pub const fn on(admin: Target) -> Self {
        Self { server: None, admin }
    }

    /// The programs of the private server.
    pub fn programs(&self) -> Option<&Path> {
        self.server.as_ref().map(|server| server.binaries().dir())
    }

    /// Where the named server is.
    pub fn place(&self) -> String {
        self.admin.server()
    }

    /// An empty database.
    pub async fn database(&self, name: &str) -> Answer<Scratch> {
        let full = full_name(name);
        let admin = connect(&self.admin).await?;
        let created = batch(&admin, &format!("CREATE DATABASE {full} TEMPLATE template0")).await;
        admin.close().await;
        created.map_err(|error| no_scratch(&error))?;
        let connection = connect(&self.admin.with_database(full)).await?;
        Ok(Scratch { connection, name: name.to_owned() })
    }

    /// Removes a database again.
    pub async fn remove(&self, scratch: Scratch) -> Answer<()> {
        scratch.connection.close().await;
        self.remove_named(&scratch.name).await
    }

    /// Removes a database of that name, if there is one.
    pub async fn remove_named(&self, name: &str) -> Answer<()> {
        let admin = connect(&self.admin).await?;
        let dropped = batch(&admin, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", full_name(name))).await;
        admin.close().await;
        dropped.map_err(|error| no_scratch(&error))
    }
}

/// Two processes may use one server.
fn full_name(name: &str) -> String {
    format!("lockkeeper_shadow_{}_{name}", std::process::id())
}

fn no_scratch(error: &SqlError) -> Box<Problem> {
    problem(error, message!("verify-no-scratch")).hint(message!("verify-no-scratch-hint"))
}

/// One scratch database.
pub struct Scratch {
    pub connection: Connection,
    name: String,
}

impl Scratch {
    /// Runs steps as a stage would, but for the ledger: a migration in one transaction where it can be one.
    pub async fn run(&self, file: &MigrationFile, steps: &[Step], doing: &Message) -> Answer<()> {
        let in_one = steps.iter().all(|step| step.run == RunMode::InMigration);
        let around = |error: SqlError| problem(&error, doing.clone());
        if in_one {
            batch(&self.connection, "BEGIN").await.map_err(around)?;
        }
        for step in steps {
            // There are no rows to fill.
            if matches!(step.run, RunMode::Backfill(_)) {
                continue;
            }
            if let Err(error) = batch(&self.connection, &step.sql).await {
                let problem = failure::statement(file, step, &error, doing.clone());
                // What has failed already is what is told; where no transaction is open this says so and no more.
                let _ = batch(&self.connection, "ROLLBACK; RESET ALL").await;
                return Err(problem);
            }
        }
        if in_one {
            batch(&self.connection, "COMMIT").await.map_err(around)?;
        }
        batch(&self.connection, "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL").await.map_err(around)
    }

    pub async fn schema(&self) -> Answer<Schema> {
        inventory(&self.connection).await.map_err(|error| problem(&error, message!("verify-no-schema")))
    }
}

/// What is different, object by object.
pub fn differences(before: &Schema, after: &Schema) -> Vec<ObjectDifference> {
    let mut keys: Vec<_> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    let differs = |key: &&&(String, String)| before.get(**key) != after.get(**key);
    let difference = |key: &(String, String)| ObjectDifference {
        kind: key.0.clone(),
        identity: key.1.clone(),
        before: before.get(key).cloned(),
        after: after.get(key).cloned(),
    };
    keys.iter().filter(differs).map(|key| difference(key)).collect()
}
