//! The incident report: one file in Markdown, for whoever was not there.
//!
//! Everything in it that somebody else wrote is escaped, and every known secret is masked. Statements of sessions are
//! told without their values, and of a server's words those that quote rows are left out.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Message, Problem};
use lockkeeper_engine::driver::{EmergencyRecord, Secrets, Situation};
use lockkeeper_engine::postgres::Activity;

use super::markdown::{code, inline, table};
use super::overview::Overview;
use super::sections;
use crate::cli::context::{Context, moment};
use crate::printer::Tone;
use crate::settings;

/// What a report tells.
pub struct Story<'a> {
    /// What was true when the procedure began, and what it was to do.
    pub overview: &'a Overview<'a>,
    /// What is true at its end.
    pub now: &'a Situation,
    pub failure: Option<&'a Problem>,
    /// What went on in the database at the moment of the failure.
    pub activity: Option<&'a Activity>,
}

/// A report is written under another name rather than over one that is there.
const NAMES_MAX: u32 = 100;

impl Story<'_> {
    /// Writes the report, and tells where it is.
    ///
    /// # Errors
    /// When neither the place that was named, nor the project's folder, nor the folder for what passes takes it.
    pub fn write(&self, path: Option<&Path>, context: &Context<'_>) -> Answer<PathBuf> {
        let text = self.text();
        let written = match path {
            Some(path) => create(path, &text).map(|()| path.to_owned()),
            None => create_in(&context.settings.project_dir, &self.stem(), &text),
        };
        // The place may be full, or not ours: what is known must not be lost with it.
        let written = written.or_else(|_| create_in(&std::env::temp_dir(), &self.stem(), &text));
        let path = written.map_err(|error| {
            Problem::usage(message!("emergency-report-unwritten", reason = error.to_string()))
                .hint(message!("emergency-report-hint"))
        })?;
        context.printer.note_in(&message!("emergency-report", path = path.display().to_string()), Tone::Strong);
        Ok(path)
    }

    fn stem(&self) -> String {
        let release = self.overview.situation.release().map(|release| release.id);
        let release = release.or_else(|| self.overview.record.and_then(EmergencyRecord::release_id));
        let release = release.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
        let at = moment(Timestamp::now()).replace([':', '-'], "");
        format!("incident-{release}-{at}")
    }

    /// The whole report.
    fn text(&self) -> String {
        let parts = [
            sections::head(self),
            sections::now(self),
            sections::failed(self),
            sections::procedure(self),
            sections::timeline(self),
            sections::decisions(self),
            sections::measured(self),
            sections::sql(self),
            sections::activity(self),
            sections::unknown(self),
            sections::recovery(self),
        ];
        let text: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        self.secrets().masked(&text.join("\n"))
    }

    pub fn secrets(&self) -> Secrets {
        Secrets::new(settings::secret_values(&self.overview.context.settings))
    }

    // ── the parts that sections are made of ─────────────────────────────────────────────────────

    /// A message in the reader's language, as text.
    pub fn say(&self, message: &Message) -> String {
        inline(&self.overview.context.printer.text(message))
    }

    pub fn section(&self, heading: &Message, body: &str) -> String {
        let body = body.trim();
        if body.is_empty() { String::new() } else { format!("## {}\n\n{body}\n", self.say(heading)) }
    }

    pub fn table(&self, headings: &[Message], rows: &[Vec<String>]) -> String {
        if rows.is_empty() {
            return String::new();
        }
        let headings: Vec<String> = headings.iter().map(|heading| self.say(heading)).collect();
        table(&headings, rows)
    }

    /// A problem as a list: what was said, where, and what the server said of it.
    pub fn problem(&self, problem: &Problem) -> String {
        let mut text = format!("* {}", self.say(&problem.message));
        if let Some(place) = &problem.place {
            let place = place
                .at
                .map_or_else(|| place.path.to_string(), |at| format!("{}:{}:{}", place.path, at.line, at.column));
            let _ = write!(text, " ({})", code(&place));
        }
        if let Some(server) = &problem.server {
            let said = sections::told_message(&server.sqlstate, &server.message);
            let _ = write!(text, " {} {}", code(&server.sqlstate), inline(&said));
        }
        text.push('\n');
        for note in &problem.notes {
            let _ = writeln!(text, "  * {}", self.say(note));
        }
        for other in &problem.others {
            text.push_str(&self.problem(other));
        }
        text
    }
}

/// Only its owner reads it: it tells how the system is built.
fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn create_in(folder: &Path, stem: &str, text: &str) -> std::io::Result<PathBuf> {
    let mut last = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
    for number in 1..=NAMES_MAX {
        let more = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{stem}{more}.md"));
        match create(&path, text) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_report_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let first = create_in(folder.path(), "incident-1-x", "a").unwrap();
        let second = create_in(folder.path(), "incident-1-x", "b").unwrap();
        assert_ne!(first, second);
        assert_eq!(std::fs::read_to_string(first).unwrap(), "a");
        assert!(create_in(Path::new("/nonexistent"), "x", "a").is_err());
    }
}
