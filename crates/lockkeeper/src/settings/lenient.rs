//! Settings for a night on which not everything can be read: what is wrong is left out and told, and the rest holds.
//!
//! What cannot be understood is never guessed at. Of a file that is TOML, the line that is wrong is left out; of one
//! that is not, all of the section that the mistake is in, because nobody knows where it ends.

use lockkeeper_core::model::Problem;

use super::file::{self, FileSettings};
use super::resolve::resolve;
use super::sources::{Asking, Sources};
use super::{Flags, Settings};

/// More mistakes than this are not looked for one by one.
const PROBLEMS_MAX: usize = 40;

/// What is said of the environment when the part of the file that may name it could not be read: connections are
/// protected then, until somebody says otherwise.
const ENVIRONMENT_UNKNOWN: &str = "production";

/// What a file that is broken says all the same.
#[derive(Debug, Default)]
pub struct Rest {
    pub settings: FileSettings,
    pub problems: Vec<Problem>,
    /// Something before the first section was left out, where the environment's name stands.
    pub lost_its_head: bool,
}

/// Reads and resolves whatever can be. Each thing that could not is in [`Settings::problems`].
pub fn load(flags: &Flags) -> Settings {
    let mut problems = Vec::new();
    let mut sources = Sources::gather(flags, &mut Asking::Whatever(&mut problems)).unwrap_or_default();
    let names_environment = flags.environment.is_some() || sources.named("LOCKKEEPER_ENVIRONMENT").is_some();
    if sources.lost_its_head && !names_environment {
        sources.file.environment = Some(ENVIRONMENT_UNKNOWN.to_owned());
    }
    let mut flags = flags.clone();
    let mut settings = match resolve(&flags, &sources) {
        Ok(settings) => settings,
        // The environment's name is a slip of the pen: the one that protects is the one that it is taken for.
        Err(problem) => {
            problems.push(*problem);
            flags.environment = Some(ENVIRONMENT_UNKNOWN.to_owned());
            // Nothing but that name makes all of it unusable.
            resolve(&flags, &sources).unwrap_or_else(|_| unreachable!("the environment is the only refusal"))
        }
    };
    settings.problems = problems;
    settings
}

/// What can be read of a file.
pub fn parse(path: &str, text: &str) -> Rest {
    let mut rest = Rest::default();
    let mut lines: Vec<&str> = text.lines().collect();
    for _ in 0..PROBLEMS_MAX {
        let now = lines.join("\n");
        let problem = match file::parse(path, &now) {
            Ok(settings) => {
                rest.settings = settings;
                return rest;
            }
            Err(problem) => problem,
        };
        let line = problem.place.as_ref().and_then(|place| place.at).map(|at| at.line);
        rest.problems.push(*problem);
        // A line counted from one; past the end is the end.
        let Some(line) = line.map(|line| line.saturating_sub(1).min(lines.len().saturating_sub(1))) else { break };
        let left_out = left_out(&lines, line);
        if left_out.clone().all(|at| lines[at].is_empty()) {
            break;
        }
        rest.lost_its_head |= !lines[..=left_out.start].iter().any(|line| is_header(line));
        lines[left_out].fill("");
    }
    rest.lost_its_head = true;
    rest
}

/// The lines that go when this one is wrong: itself, where the file is TOML with and without it; else its section.
fn left_out(lines: &[&str], wrong: usize) -> std::ops::Range<usize> {
    let without: String =
        lines.iter().enumerate().map(|(at, line)| if at == wrong { "\n" } else { line }.to_owned() + "\n").collect();
    let is_toml = |text: &str| text.parse::<toml::Table>().is_ok();
    if !is_header(lines[wrong]) && is_toml(&lines.join("\n")) && is_toml(&without) {
        return wrong..wrong + 1;
    }
    let start = (0..=wrong).rev().find(|at| is_header(lines[*at])).unwrap_or(0);
    let end = (wrong + 1..lines.len()).find(|at| is_header(lines[*at])).unwrap_or(lines.len());
    start..end
}

fn is_header(line: &str) -> bool {
    line.trim_start().starts_with('[')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> (Rest, Vec<&'static str>) {
        let rest = parse("lockkeeper.toml", text);
        let ids = rest.problems.iter().map(|problem| problem.message.id).collect();
        (rest, ids)
    }

    #[test]
    fn a_line_that_is_wrong_goes_alone() {
        let (rest, problems) = told(
            "environment = \"staging\"\nmigratons = \"x\"\n[limits]\nlock_timeout = \"2 weeks\"\nlock_attempts = 7\n\
             [hooks.rollback_app]\nrun = \"./back.sh\"\ntiemout = \"5m\"\n",
        );
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert_eq!((rest.settings.environment.as_deref(), rest.settings.lock_attempts), (Some("staging"), Some(7)));
        assert!(rest.settings.release.hooks.rollback_app.is_some() && rest.settings.lock_timeout.is_none());
    }

    /// A hook of which a part is missing must not be run: nobody knows what it would do.
    #[test]
    fn what_is_no_toml_goes_with_its_section() {
        let (rest, problems) = told(
            "migrations = \"db\"\n[hooks.rollback_app]\nrun = [\"kubectl\", \"rollout\"\n[hooks.stop_app]\nrun = \"./stop.sh\"\n",
        );
        assert!(!problems.is_empty());
        assert!(rest.settings.release.hooks.rollback_app.is_none());
        assert_eq!(rest.settings.migrations.as_deref(), Some("db"));
        assert!(!rest.lost_its_head);
        let (rest, _) = told("[hooks.rollback_app]\nrun = \"./back.sh\n[database]\nhost = \"db\"\n");
        assert!(rest.settings.release.hooks.rollback_app.is_none());
        assert_eq!(rest.settings.database.host.as_deref(), Some("db"));
    }

    /// The keys below a heading that nobody knows are not those of the section before it.
    #[test]
    fn an_unknown_section_goes_with_its_keys() {
        let (rest, problems) =
            told("[database]\nname = \"shop\"\n[databse]\nhost = \"elsewhere\"\n[drift]\nignore = [\"x\"]\n");
        assert_eq!(problems, ["settings-file-unknown-key"]);
        assert_eq!((rest.settings.database.host, rest.settings.database.name.as_deref()), (None, Some("shop")));
        assert_eq!(rest.settings.drift_ignored.unwrap(), ["x"]);
    }

    #[test]
    fn a_head_that_cannot_be_read_may_have_named_production() {
        assert!(told("environment = \"production\n[database]\nhost = \"db\"\n").0.lost_its_head);
        assert!(told("\u{0}\u{1}").0.lost_its_head);
        assert!(!told("environment = \"staging\"\n[limits]\nlock_timeout = \"soon\"\n").0.lost_its_head);
        let (rest, problems) = told("password = \"hunter2\"\n[database]\nname = \"shop\"\n");
        assert!(problems == ["settings-file-password"] && rest.settings.database.name.is_some());
        assert!(!format!("{:?}", rest.problems).contains("hunter2"));
    }
}
