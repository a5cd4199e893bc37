//! `demo`: the story of a release on a private PostgreSQL, told by the program's own commands.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, ExitClass, Message, Problem};
use lockkeeper_engine::driver::exit_of;
use lockkeeper_engine::postgres::{Host, PrivateServer, PrivateServerOptions, Target, connect};
use lockkeeper_engine::seams::{Stop, instant, sleep};

use crate::cli::context::Context;
use crate::printer::Tone;
use crate::settings::env_names;

/// Tell the story of a release on a private PostgreSQL that is removed afterwards
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lockkeeper demo")]
pub struct Args {}

/// The files of one chapter, written before its commands run.
struct File {
    name: &'static str,
    text: &'static str,
}

macro_rules! pair {
    ($stem:literal) => {
        [
            File { name: concat!($stem, "_up.sql"), text: include_str!(concat!("demo/", $stem, "_up.sql")) },
            File { name: concat!($stem, "_down.sql"), text: include_str!(concat!("demo/", $stem, "_down.sql")) },
        ]
    };
}

/// One command of the story and the exit code it must have.
struct Scene {
    told: Message,
    files: Vec<File>,
    args: &'static [&'static str],
    code: u8,
}

fn scene(told: Message, args: &'static [&'static str], code: u8) -> Scene {
    Scene { told, files: Vec::new(), args, code }
}

/// The story. Each refusal in it is part of it.
fn story() -> Vec<Scene> {
    let with = |files: Vec<File>, scene: Scene| Scene { files, ..scene };
    let second = pair!("02_add_customers_full_name")
        .into_iter()
        .chain(pair!("03_fill_customers_full_name"))
        .chain(pair!("04_remove_customers_names"));
    vec![
        with(pair!("01_create_shop").into(), scene(message!("demo-shop"), &["stage1"], 0)),
        scene(message!("demo-first-deploy"), &["deployed", "--version", "1.0"], 0),
        with(second.collect(), scene(message!("demo-plan"), &["plan"], 0)),
        scene(message!("demo-stage1"), &["stage1"], 0),
        scene(message!("demo-too-early"), &["stage2"], ExitClass::Refused.code()),
        scene(message!("demo-deployed"), &["deployed", "--version", "2.0"], 0),
        scene(message!("demo-status"), &["status"], 0),
        scene(
            message!("demo-approve"),
            &["approve", "stage2", "--reason", "all pods on 2.0", "--as", APPROVER, "--key", "approver_key", "--yes"],
            0,
        ),
        scene(message!("demo-stage2"), &["stage2"], 0),
        with(pair!("05_add_orders_note").into(), scene(message!("demo-third"), &["stage1"], 0)),
        scene(message!("demo-rollback"), &["rollback", "before_schema_add", "--reason", "checkout fails", "--yes"], 0),
        scene(message!("demo-verify"), &["log", "--verify"], 0),
    ]
}

const AUTHOR: &str = "dev@shop.example";
const APPROVER: &str = "admin@shop.example";

pub async fn run(_: &Args, context: &Context<'_>) -> Answer<u8> {
    let stop = Stop::on_signals().map_err(|error| failed(&error))?;
    match tell(context, stop.clone()).await {
        // A Ctrl-C reaches the programs that the story runs as well; that they ended is not what went wrong.
        Err(problem) => Err(tokio::select! {
            cause = stop.asked() => Problem::new(exit_of(cause), message!("demo-stopped")),
            () = sleep(SIGNAL_PATIENCE) => problem,
        }),
        told => told,
    }
}

/// How long our own signal may come behind that of a program we ran.
const SIGNAL_PATIENCE: Duration = Duration::from_millis(200);

async fn tell(context: &Context<'_>, stop: Stop) -> Answer<u8> {
    let began = instant();
    let printer = context.printer;
    printer.say_in(&message!("demo-server"), Tone::Strong);
    let options = PrivateServerOptions { is_durable: false, ..PrivateServerOptions::default() };
    let server = PrivateServer::start(&options)?;
    let target = shop(&server).await?;
    let project = tempfile::tempdir().map_err(|error| failed(&error))?;
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    prepare(project.path())?;
    let language = context.settings.language.clone();
    let stage = Stage { project: project.path(), program, target, language, stop };
    for scene in story() {
        printer.line("");
        printer.say_in(&scene.told, Tone::Strong);
        for file in &scene.files {
            write(&project.path().join("migrations").join(file.name), file.text)?;
        }
        printer.say_in(&message!("demo-command", command = spoken(scene.args)), Tone::Quiet);
        let code = stage.play(&scene).await?;
        if code != i32::from(scene.code) {
            let command = spoken(scene.args);
            return Err(Problem::new(
                ExitClass::MigrationFailed,
                message!("demo-went-wrong", command = command, code = code),
            ));
        }
    }
    printer.line("");
    printer.say_in(&message!("demo-end", seconds = began.elapsed().as_secs()), Tone::Good);
    Ok(0)
}

/// A database of the shop's own on the private server.
async fn shop(server: &PrivateServer) -> Answer<Target> {
    let connection = connect(&server.target()).await?;
    let created = connection.client().batch_execute("CREATE DATABASE shop").await;
    created.map_err(|error| Problem::usage(message!("demo-failed", reason = error.to_string())))?;
    Ok(server.target().with_database("shop"))
}

fn failed(error: &std::io::Error) -> Box<Problem> {
    Problem::usage(message!("demo-failed", reason = error.to_string()))
}

fn write(path: &Path, text: &str) -> Answer<()> {
    std::fs::write(path, text).map_err(|error| failed(&error))
}

/// Whether a variable says where the database is or how to get there.
fn names_a_place(name: &str) -> bool {
    ["DB_", "DATABASE_URL", "PG", "LOCKKEEPER_"].iter().any(|start| name.starts_with(start))
}

/// A command line as a person would type it.
fn spoken(args: &[&str]) -> String {
    let quoted = |arg: &&str| if arg.contains(' ') { format!("\"{arg}\"") } else { (*arg).to_owned() };
    args.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// The project's folder: migrations, and a key that may approve.
fn prepare(project: &Path) -> Answer<()> {
    std::fs::create_dir(project.join("migrations")).map_err(|error| failed(&error))?;
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", APPROVER, "-f"])
        .arg(project.join("approver_key"))
        .stdin(Stdio::null())
        .status()
        .and_then(|status| if status.success() { Ok(()) } else { Err(std::io::Error::other(status.to_string())) });
    made.map_err(|error| {
        Problem::usage(message!("sign-no-ssh-keygen", reason = error.to_string()))
            .hint(message!("sign-no-ssh-keygen-hint"))
    })?;
    let public = std::fs::read_to_string(project.join("approver_key.pub")).map_err(|error| failed(&error))?;
    write(&project.join("allowed_signers"), &format!("{APPROVER} namespaces=\"lockkeeper-admin\" {public}"))
}

/// Where the scenes are played.
struct Stage<'p> {
    project: &'p Path,
    program: PathBuf,
    target: Target,
    language: Option<String>,
    stop: Stop,
}

impl Stage<'_> {
    /// Runs one command to its end. On Ctrl-C the command hears the signal too; the story ends after it.
    async fn play(&self, scene: &Scene) -> Answer<i32> {
        let host = match &self.target.host {
            Host::Tcp(host) => PathBuf::from(host),
            Host::SocketDir(folder) => folder.clone(),
        };
        let mut command = tokio::process::Command::new(&self.program);
        // The story plays in its own place, whatever the terminal it is told in is set up for.
        for name in env_names::ALL.iter().map(|one| one.name).filter(|name| names_a_place(name)) {
            command.env_remove(name);
        }
        let mut child = command
            .args(self.language.iter().flat_map(|language| ["--lang", language.as_str()]))
            .args(scene.args)
            .current_dir(self.project)
            .env("DB_HOST", host)
            .env("DB_PORT", self.target.port.to_string())
            .env("DB_NAME", &self.target.database)
            .env("DB_USER", &self.target.user)
            .env("LOCKKEEPER_ACTOR", AUTHOR)
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| failed(&error))?;
        let status = child.wait().await.map_err(|error| failed(&error))?;
        if let Some(cause) = self.stop.cause() {
            return Err(Problem::new(exit_of(cause), message!("demo-stopped")));
        }
        Ok(status.code().unwrap_or(-1))
    }
}
