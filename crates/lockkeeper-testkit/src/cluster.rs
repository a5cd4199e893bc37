//! One private PostgreSQL for each test process.

use std::path::PathBuf;
use std::sync::OnceLock;

use lockkeeper_engine::postgres::{PrivateServer, PrivateServerOptions, ServerBinaries, Target};

/// The server all tests of one process share. It starts with the first test that wants it and is
/// gone when the process ends, however it ends.
pub struct Cluster {
    server: PrivateServer,
}

/// Never dropped, as statics are not: the server's supervisor sees the end of the process.
static CLUSTER: OnceLock<Cluster> = OnceLock::new();

/// The database that every [`Database`](crate::Database) is copied from.
pub(crate) const TEMPLATE: &str = "lockkeeper_template";

impl Cluster {
    /// # Panics
    /// When no server can be started: a test that needs one must not pass without it.
    pub fn get() -> &'static Self {
        CLUSTER.get_or_init(|| {
            let options = PrivateServerOptions {
                binaries: Self::binaries_wanted(),
                config: vec![
                    "max_connections = 200".to_owned(),
                    // Copying the template needs no checkpoint then.
                    "max_wal_size = '4GB'".to_owned(),
                    "autovacuum_naptime = '1h'".to_owned(),
                ],
                ..PrivateServerOptions::default()
            };
            let server = PrivateServer::start(&options)
                .unwrap_or_else(|problem| panic!("the tests need a PostgreSQL: {problem}"));
            let cluster = Self { server };
            cluster.execute(&format!("CREATE DATABASE {TEMPLATE} TEMPLATE template0"));
            cluster
        })
    }

    /// `LOCKKEEPER_TEST_PG_BIN`, by which a test run picks a version of PostgreSQL.
    pub fn binaries_wanted() -> Option<PathBuf> {
        std::env::var_os("LOCKKEEPER_TEST_PG_BIN").filter(|dir| !dir.is_empty()).map(PathBuf::from)
    }

    /// The maintenance database `postgres`, as superuser, over the Unix socket.
    pub fn target(&self) -> Target {
        self.server.target()
    }

    /// Whether there is a `pg_dump` that is as new as the server: an older one refuses.
    pub fn can_be_dumped(&self) -> bool {
        crate::dump::can_dump(self.binaries())
    }

    pub fn server(&self) -> &PrivateServer {
        &self.server
    }

    pub fn binaries(&self) -> &ServerBinaries {
        self.server.binaries()
    }

    pub(crate) fn execute(&self, sql: &str) {
        crate::database::execute(&self.target(), sql);
    }
}
