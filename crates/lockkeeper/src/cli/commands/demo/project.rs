//! The demo's project, such as any user has: a folder with migrations, `lockkeeper.toml`, and the key of an admin.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use tempfile::TempDir;

use super::failed;

/// Who writes migrations and drives releases.
pub const AUTHOR: &str = "dev@shop.example";
/// Who approves.
pub const APPROVER: &str = "admin@shop.example";

/// A pair of files: the name without `_up.sql`, and both texts.
pub struct Pair {
    pub stem: &'static str,
    up: &'static str,
    down: &'static str,
}

macro_rules! pair {
    ($stem:literal) => {
        Pair {
            stem: $stem,
            up: include_str!(concat!($stem, "_up.sql")),
            down: include_str!(concat!($stem, "_down.sql")),
        }
    };
}

/// What version 1 works with.
pub const SHOP: &[Pair] = &[pair!("01_create_shop")];
/// What version 2 needs, and what only version 1 needed.
pub const ONE_NAME: &[Pair] =
    &[pair!("02_add_customers_full_name"), pair!("03_fill_customers_full_name"), pair!("04_remove_customers_names")];
/// What version 3 needs.
pub const AVERAGE: &[Pair] = &[pair!("05_add_orders_customer_index")];

/// The folder. It is gone with this value, unless somebody wanted to keep it; the key is gone in any case.
pub struct Project {
    path: PathBuf,
    _temporary: Option<TempDir>,
}

/// What stands in `lockkeeper.toml`.
pub struct Terms<'t> {
    pub front: SocketAddr,
    pub control: SocketAddr,
    pub program: &'t Path,
    /// How long a release is watched after its deploy, and after stage 2.
    pub watch: &'t str,
    pub settle: &'t str,
}

impl Project {
    /// # Errors
    /// The folder to keep it in holds something already; there is no `ssh-keygen`.
    pub fn make(keep: Option<&Path>) -> Answer<Self> {
        let project = if let Some(path) = keep {
            std::fs::create_dir_all(path).map_err(|error| failed(&error))?;
            if std::fs::read_dir(path).map_err(|error| failed(&error))?.next().is_some() {
                let path = path.display().to_string();
                return Err(Problem::usage(message!("demo-keep-not-empty", path = path)));
            }
            // Commands run in it, so its name must hold from there, too.
            Self { path: path.canonicalize().map_err(|error| failed(&error))?, _temporary: None }
        } else {
            let folder = tempfile::Builder::new().prefix("lockkeeper-demo-").tempdir();
            let folder = folder.map_err(|error| failed(&error))?;
            Self { path: folder.path().to_owned(), _temporary: Some(folder) }
        };
        std::fs::create_dir(project.path.join("migrations")).map_err(|error| failed(&error))?;
        project.key()?;
        Ok(project)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A key that is made for this, and the file that says what it may.
    fn key(&self) -> Answer<()> {
        let made = std::process::Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", APPROVER, "-f"])
            .arg(self.path.join("approver_key"))
            .stdin(Stdio::null())
            .status()
            .and_then(|status| if status.success() { Ok(()) } else { Err(std::io::Error::other(status.to_string())) });
        made.map_err(|error| {
            Problem::usage(message!("sign-no-ssh-keygen", reason = error.to_string()))
                .hint(message!("sign-no-ssh-keygen-hint"))
        })?;
        let public = std::fs::read_to_string(self.path.join("approver_key.pub")).map_err(|error| failed(&error))?;
        self.write("allowed_signers", &format!("{APPROVER} namespaces=\"lockkeeper-admin\" {public}"))
    }

    pub fn add(&self, pairs: &[Pair]) -> Answer<()> {
        for pair in pairs {
            self.write(&format!("migrations/{}_up.sql", pair.stem), pair.up)?;
            self.write(&format!("migrations/{}_down.sql", pair.stem), pair.down)?;
        }
        Ok(())
    }

    pub fn configure(&self, terms: &Terms<'_>) -> Answer<()> {
        self.write("lockkeeper.toml", &terms.to_toml())
    }

    fn write(&self, name: &str, text: &str) -> Answer<()> {
        std::fs::write(self.path.join(name), text).map_err(|error| failed(&error))
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // It may approve nothing but a database that is gone; all the same nobody should find a key lying about.
        let _ = std::fs::remove_file(self.path.join("approver_key"));
    }
}

impl Terms<'_> {
    fn to_toml(&self) -> String {
        let words = [
            self.program.to_string_lossy().into_owned(),
            // Whatever the terminal is set up for, the hook goes by this file.
            "--config".to_owned(),
            "lockkeeper.toml".to_owned(),
            "--environment".to_owned(),
            "demo".to_owned(),
            "demo-shop".to_owned(),
            "deploy".to_owned(),
            "--platform".to_owned(),
            self.control.to_string(),
        ];
        let deploy = toml::Value::Array(words.into_iter().map(toml::Value::String).collect());
        let Self { front, watch, settle, .. } = self;
        format!(
            r#"# The demo's own terms: everything is short, so that the story fits into a minute.
# The usual windows are of 30 s with 59 requests, and a watch lasts ten minutes.

[health]
rules = ["floor"]
error_rate = "5%"
consecutive = 3
interval = "1s"
min_samples = 20
warm_up = "1s"

[[health.counters]]
name = "requests"
url = "http://{front}/metrics"
every = "200ms"
requests = "http_requests_total"
errors = "http_errors_total"

[release]
baseline = "2s"
watch = "{watch}"
settle = "{settle}"
cool_down = "0s"

# LOCKKEEPER_VERSION says which version is to run when it is done.
[hooks.deploy]
run = {deploy}
timeout = "90s"

[hooks.rollback_app]
run = {deploy}
timeout = "90s"
"#
        )
    }
}
