//! Throw-away databases in which migrations are tried. They have no ledger: nothing in them is worth a record.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Message, ObjectDifference, Problem};
use lockkeeper_core::parse::MigrationFile;
use lockkeeper_core::plan::{RunMode, Step};

use super::locks::LockWatch;
use super::roles::{RoleStatement, RoleVerb};
use crate::driver::failure;
use crate::ledger::{batch, inventory, problem, query};
use crate::postgres::{Connection, PrivateServer, PrivateServerOptions, ServerBinaries, SqlError, Target, connect};

/// Each object's definition, by kind and identity.
pub type Schema = BTreeMap<(String, String), String>;

/// The advisory locks by which a run is known to be alive: "lksh" in ASCII. The run's number is the second key.
const ALIVE: i32 = 0x6c6b_7368;

/// Databases of runs that are gone: named by us, ours to drop, and nobody holds the lock of the run. The locks of
/// all databases of the server stand in one table.
const LEFT_BEHIND: &str = "SELECT d.datname FROM pg_catalog.pg_database d \
     JOIN pg_catalog.pg_roles r ON r.oid = d.datdba AND r.rolname = current_user \
     WHERE d.datname ~ '^lockkeeper_shadow_[0-9]{1,10}_[a-z]+$' AND NOT EXISTS ( \
         SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.classid = $1::oid \
         AND l.objid::bigint = pg_catalog.split_part(d.datname, '_', 3)::bigint)";

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
    pub async fn private(major: Option<i32>) -> Answer<Self> {
        // Aside: on a busy machine it takes longer than a term lasts that this process renews meanwhile.
        match tokio::task::spawn_blocking(move || Self::start(major)).await {
            Ok(started) => started,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    fn start(major: Option<i32>) -> Answer<Self> {
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

    /// Ends it, with its server, aside: that may take its time, too.
    pub async fn end(self) {
        if let Err(panicked) = tokio::task::spawn_blocking(move || drop(self)).await {
            std::panic::resume_unwind(panicked.into_panic());
        }
    }

    /// The programs of the private server.
    pub fn programs(&self) -> Option<&Path> {
        self.server.as_ref().map(|server| server.binaries().dir())
    }

    /// Where the named server is.
    pub fn place(&self) -> String {
        self.admin.server()
    }

    /// Begins a run: its databases can be told from those of every other one, dead or alive.
    ///
    /// # Errors
    /// A server that cannot be reached.
    pub async fn begin(&self) -> Answer<Run> {
        let admin = connect(&self.admin).await?;
        let begun = async {
            let rows = query(&admin, "SELECT pg_catalog.floor(pg_catalog.random() * 2147483647)::int4", &[]).await?;
            let id: i32 = rows.first().map_or(0, |row| row.get(0));
            batch(&admin, &format!("SELECT pg_catalog.pg_advisory_lock({ALIVE}, {id})")).await?;
            let names = |rows: Vec<tokio_postgres::Row>| rows.iter().map(|row| row.get(0)).collect::<Vec<String>>();
            let roles = names(query(&admin, "SELECT rolname FROM pg_catalog.pg_roles", &[]).await?);
            let extensions = names(query(&admin, "SELECT name FROM pg_catalog.pg_available_extensions", &[]).await?);
            let left =
                names(query(&admin, LEFT_BEHIND, &[(&i64::from(ALIVE), tokio_postgres::types::Type::INT8)]).await?);
            Ok((id, roles, extensions, left))
        };
        let (id, roles, extensions, left) = begun.await.map_err(|error| no_scratch(&error))?;
        for name in left {
            // Somebody else may remove it at this moment, which is as good.
            let _ = batch(&admin, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        }
        Ok(Run {
            admin,
            target: self.admin.clone(),
            id,
            roles_before: Arc::new(roles.into_iter().collect()),
            extensions: extensions.into_iter().collect(),
            is_private: self.server.is_some(),
        })
    }
}

/// One run of `verify` in a shadow.
pub struct Run {
    admin: Connection,
    target: Target,
    id: i32,
    /// Roles are the whole server's: those that were there are not ours to make, change or drop.
    roles_before: Arc<BTreeSet<String>>,
    /// What CREATE EXTENSION can make here.
    pub extensions: BTreeSet<String>,
    is_private: bool,
}

impl Run {
    /// An empty database.
    pub async fn database(&self, name: &str) -> Answer<Scratch> {
        self.database_of(name, &[""]).await
    }

    /// An empty database of a kind: the first of these that the server can make. There is at least one.
    pub async fn database_of(&self, name: &str, kinds: &[&str]) -> Answer<Scratch> {
        let full = self.full_name(name);
        let mut created = Ok(());
        for kind in kinds {
            created = batch(&self.admin, &format!("CREATE DATABASE {full} TEMPLATE template0 {kind}")).await;
            if created.is_ok() {
                break;
            }
        }
        created.map_err(|error| no_scratch(&error))?;
        let connection = connect(&self.target.with_database(full)).await?;
        Ok(Scratch {
            connection,
            name: name.to_owned(),
            roles_before: Arc::clone(&self.roles_before),
            makes_roles: false,
        })
    }

    /// Where a database of this run is.
    pub fn target_of(&self, name: &str) -> Target {
        self.target.with_database(self.full_name(name))
    }

    /// Makes those of these roles that are not there. The end of the run removes them.
    pub async fn make_roles(&self, names: &BTreeSet<String>) -> Answer<()> {
        for role in names.difference(&self.roles_before) {
            let quoted = role.replace('"', "\"\"");
            let made = batch(&self.admin, &format!("CREATE ROLE \"{quoted}\" NOLOGIN")).await;
            made.map_err(|error| no_scratch(&error))?;
        }
        Ok(())
    }

    /// Removes a database again.
    pub async fn remove(&self, scratch: Scratch) -> Answer<()> {
        scratch.connection.close().await;
        self.drop_database(&self.full_name(&scratch.name)).await.map_err(|error| no_scratch(&error))
    }

    async fn drop_database(&self, full_name: &str) -> Result<(), SqlError> {
        batch(&self.admin, &format!("DROP DATABASE IF EXISTS {full_name} WITH (FORCE)")).await
    }

    /// Removes everything of the run, and the roles that its migrations made. Those that could not be removed are
    /// told.
    pub async fn end(self, databases: &[&str], made_roles: &BTreeSet<String>) -> Vec<String> {
        let mut left = Vec::new();
        // A private server goes with everything in it.
        if !self.is_private {
            for name in databases {
                // A database that cannot be dropped now is found by the next run.
                let _ = self.drop_database(&self.full_name(name)).await;
            }
            for role in made_roles.difference(&self.roles_before) {
                let quoted = role.replace('"', "\"\"");
                if batch(&self.admin, &format!("DROP ROLE IF EXISTS \"{quoted}\"")).await.is_err() {
                    left.push(role.clone());
                }
            }
        }
        self.admin.close().await;
        left
    }

    fn full_name(&self, name: &str) -> String {
        format!("lockkeeper_shadow_{}_{name}", self.id)
    }
}

fn no_scratch(error: &SqlError) -> Box<Problem> {
    problem(error, message!("verify-no-scratch")).hint(message!("verify-no-scratch-hint"))
}

/// One scratch database.
pub struct Scratch {
    pub connection: Connection,
    pub name: String,
    roles_before: Arc<BTreeSet<String>>,
    /// Whether roles are made and dropped here. The other databases of the run find them there.
    pub makes_roles: bool,
}

impl Scratch {
    /// Runs steps as a stage would, but for the ledger: a migration in one transaction where it can be one.
    /// `locks` is shown what each statement of such a transaction took.
    pub async fn run(
        &self,
        file: &MigrationFile,
        steps: &[Step],
        mut locks: Option<&mut LockWatch>,
        doing: &Message,
    ) -> Answer<()> {
        let in_one = steps.iter().all(|step| step.run == RunMode::InMigration);
        let around = |error: SqlError| problem(&error, doing.clone());
        if in_one {
            batch(&self.connection, "BEGIN").await.map_err(around)?;
        }
        for step in steps {
            // Rows to fill are tried elsewhere.
            if matches!(step.run, RunMode::Backfill(_)) || self.leaves_out(step).await.map_err(around)? {
                continue;
            }
            if let Err(error) = batch(&self.connection, &step.sql).await {
                let problem = failure::statement(file, step, &error, doing.clone());
                // What has failed already is what is told; where no transaction is open this says so and no more.
                let _ = batch(&self.connection, "ROLLBACK; RESET ALL").await;
                return Err(problem);
            }
            if let Some(watch) = locks.as_deref_mut().filter(|_| in_one) {
                watch.look(&self.connection, step).await.map_err(around)?;
            }
        }
        if in_one {
            batch(&self.connection, "COMMIT").await.map_err(around)?;
        }
        batch(&self.connection, "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL").await.map_err(around)
    }

    /// Whether a step is about a role that it must not touch here.
    async fn leaves_out(&self, step: &Step) -> Result<bool, SqlError> {
        let Some(roles) = RoleStatement::read(&step.sql) else { return Ok(false) };
        let was_there = roles.names.iter().any(|name| self.roles_before.contains(name));
        match roles.verb {
            RoleVerb::Create if was_there => Ok(true),
            RoleVerb::Create if self.makes_roles => Ok(false),
            RoleVerb::Create => {
                let sql = "SELECT FROM pg_catalog.pg_roles WHERE rolname = ANY ($1)";
                let rows =
                    query(&self.connection, sql, &[(&roles.names, tokio_postgres::types::Type::TEXT_ARRAY)]).await?;
                Ok(!rows.is_empty())
            }
            RoleVerb::Alter => Ok(was_there),
            RoleVerb::Drop => Ok(was_there || !self.makes_roles),
        }
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
