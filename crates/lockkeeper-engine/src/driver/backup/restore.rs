//! A backup put into a throw-away database.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use lockkeeper_core::model::Answer;

use super::dump::not_run;
use super::folder::DUMP;
use super::manifest::{Contents, Manifest};
use super::supervised::{Line, run};
use super::{BackupProgress, BackupReporter};
use crate::driver::verify::{Run, Scratch, Shadow};
use crate::postgres::{ClientProgram, Target, libpq_environment};
use crate::seams::{Stop, instant};

/// Where a backup is restored to be looked at.
#[derive(Debug, Clone)]
pub enum RestorePlace {
    /// A private server of the same major version.
    Private,
    /// A scratch database on a server that somebody runs.
    Named(Box<Target>),
}

/// The scratch database.
pub const RESTORED: &str = "backup";

/// What is not the rows' matter, or not to be had on a server that is not the backup's own: owners and privileges,
/// the disks, and what would connect somewhere.
const LEFT_OUT: [&str; 6] = [
    "--no-owner",
    "--no-privileges",
    "--no-tablespaces",
    "--no-security-labels",
    "--no-publications",
    "--no-subscriptions",
];

impl RestorePlace {
    /// The shadow. A private one is of the server's major version; where there is none, of the one of `pg_dump`,
    /// which is newer.
    pub async fn shadow(&self, manifest: &Manifest) -> Answer<Shadow> {
        match self {
            Self::Named(target) => Ok(Shadow::on((**target).clone())),
            Self::Private => {
                let own = manifest.server_version / 10_000;
                match Shadow::private(Some(own)).await {
                    Err(_) if manifest.dump_major != own => Shadow::private(Some(manifest.dump_major)).await,
                    made => made,
                }
            }
        }
    }
}

/// What goes with the restored database.
pub fn roles_to_make(contents: &Contents) -> BTreeSet<String> {
    contents.roles.iter().cloned().collect()
}

/// An empty database like the one that was dumped: of its encoding, and where this machine has it, its locale. By
/// another locale letters are folded in another way, and an index or a check might refuse what was good.
pub async fn empty(run: &Run, contents: &Contents) -> Answer<Scratch> {
    let quoted = |text: &str| text.replace('\'', "''");
    let (encoding, locale) = (quoted(&contents.locale.encoding), &contents.locale);
    let (collate, ctype) = (quoted(&locale.collate), quoted(&locale.ctype));
    let own = format!("ENCODING '{encoding}' LC_COLLATE '{collate}' LC_CTYPE '{ctype}'");
    let plain = format!("ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'");
    let scratch = run.database_of(RESTORED, &[&own, &plain]).await?;
    run.make_roles(&roles_to_make(contents)).await?;
    Ok(scratch)
}

/// Restores into it; what `pg_restore` said when it could not.
pub async fn restore(
    run_of: &Run,
    folder: &Path,
    program: &ClientProgram,
    jobs: u16,
    stop: &Stop,
    report: &mut BackupReporter<'_>,
) -> Answer<Result<(), String>> {
    let target = run_of.target_of(RESTORED);
    report(BackupProgress::Restoring { place: target.server(), jobs });
    let mut arguments: Vec<OsString> = LEFT_OUT.map(OsString::from).to_vec();
    arguments.extend(["--exit-on-error".into(), "--no-password".into(), format!("--jobs={jobs}").into()]);
    arguments.push(format!("--dbname={}", target.database).into());
    arguments.push(folder.join(DUMP).into());
    let environment = libpq_environment(&target);
    let line = Line {
        program: program.path.clone(),
        arguments,
        environment: environment.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        hides_connection: true,
        folder: None,
        time_limit: None,
    };
    let began = instant();
    let mut tick = || report(BackupProgress::Restored { elapsed: began.elapsed() });
    let ended = run(&line, stop, &mut |_| {}, &mut tick).await.map_err(|why| not_run(&program.path, why))?;
    if ended.status.success() {
        return Ok(Ok(()));
    }
    // What the server says beside its error may tell values of rows.
    let is_telling = |line: &&str| !["", "DETAIL", "CONTEXT"].contains(&line.split(':').next().unwrap_or("").trim());
    let lines: Vec<&str> = ended.errors.iter().map(String::as_str).filter(is_telling).collect();
    Ok(Err(format!("{}\n({})", lines.join("\n"), ended.told_status())))
}
