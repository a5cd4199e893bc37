//! What is true now and what each step would do, as the operator reads it before the first question.

use std::path::{Path, PathBuf};

use lockkeeper_core::message;
use lockkeeper_core::model::Message;
use lockkeeper_core::release::{
    ByHandScript, ByHandTarget, EmergencyKnown, EmergencyStep, Fit, LedgerStanding, Task, emergency_steps, quoted,
    runs_in_a_transaction,
};
use lockkeeper_engine::driver::{AppHook, Chain, EmergencyRecord, PreparedUndo, Secrets, Situation};
use lockkeeper_engine::ledger::StandingDown;
use lockkeeper_engine::postgres::Host;

use super::journal_folder;
use crate::cli::context::{Context, first_line, moment};
use crate::printer::Tone;
use crate::settings;

/// All that the operator decides by.
#[derive(Clone, Copy)]
pub struct Overview<'a> {
    pub situation: &'a Situation,
    pub known: &'a EmergencyKnown,
    /// The emergency that is gone on with.
    pub record: Option<&'a EmergencyRecord>,
    pub context: &'a Context<'a>,
}

impl Overview<'_> {
    pub fn tell(&self) {
        let printer = self.context.printer;
        printer.note_in(&message!("emergency-now"), Tone::Strong);
        for (said, tone) in self.facts() {
            printer.note_under(2, &said, tone);
        }
        for problem in &self.situation.problems {
            printer.problem_beside(problem);
        }
        if let Some(record) = self.record {
            let at = record.began_at().map(moment).unwrap_or_default();
            let said = message!("emergency-goes-on", emergency = record.id.as_str(), at = at);
            printer.note_in(&said, Tone::Waiting);
        }
        printer.note_in(&message!("emergency-steps"), Tone::Strong);
        for (at, (step, fit)) in emergency_steps(self.known).into_iter().enumerate() {
            self.heading(at + 1, step, &fit);
            self.details(step, &fit);
        }
    }

    /// What is known, one sentence each.
    pub fn facts(&self) -> Vec<(Message, Tone)> {
        let (situation, mut facts) = (self.situation, Vec::new());
        match &situation.server {
            Some(server) => facts.push((message!("emergency-server", version = server.version.as_str()), Tone::Plain)),
            None => facts.push((message!("emergency-dark"), Tone::Bad)),
        }
        match situation.ledger {
            LedgerStanding::Absent => facts.push((message!("emergency-ledger-absent"), Tone::Waiting)),
            LedgerStanding::Damaged if situation.server.is_some() => {
                facts.push((message!("emergency-ledger-damaged"), Tone::Bad));
            }
            LedgerStanding::Damaged | LedgerStanding::Readable => {}
        }
        if let Chain::Broken(fault) = &situation.chain {
            let said = message!("emergency-chain-broken", seq = fault.seq, what = fault.what.clone());
            facts.push((said, Tone::Bad));
        }
        if let Some(release) = situation.release() {
            let said = message!(
                "status-release",
                release = release.id,
                state = release.state.as_str(),
                at = moment(release.started_at),
                by = release.started_by.as_str()
            );
            facts.push((said, Tone::Plain));
        }
        if let Some(journey) = &situation.journey {
            let previous = situation.previous_version.as_deref().unwrap_or("?");
            facts.push((
                message!("release-versions", version = journey.version.as_str(), previous = previous),
                Tone::Plain,
            ));
            let is_ours = u32::try_from(journey.pid) == Ok(std::process::id());
            if journey.is_held && !is_ours {
                let (holder, host) = (journey.holder.as_str(), journey.host.as_str());
                let seen = moment(journey.seen_at);
                let said = message!("release-driven-by", holder = holder, host = host, pid = journey.pid, seen = seen);
                facts.push((said, Tone::Waiting));
            }
        }
        if let Some(lease) = situation.snapshot.as_ref().map(|snapshot| &snapshot.lease).filter(|lease| lease.is_held) {
            let said = message!(
                "emergency-lease",
                holder = lease.holder.as_str(),
                host = lease.host.as_str(),
                doing = lease.doing.as_str()
            );
            facts.push((said, Tone::Waiting));
        }
        if let Some(watch) = &situation.watch {
            let verdict = watch.ended.map(|(_, verdict)| verdict.as_str());
            let state = verdict.unwrap_or(if watch.breach.is_some() { "breached" } else { "running" });
            let said = message!("emergency-watch", verdict = state, at = moment(watch.seen_at));
            facts.push((said, if watch.breach.is_some() { Tone::Bad } else { Tone::Plain }));
        }
        let waiting = situation
            .activity
            .as_ref()
            .map(|activity| activity.sessions.iter().filter(|session| !session.blocked_by.is_empty()).count());
        if let Some(waiting) = waiting.filter(|waiting| *waiting > 0) {
            facts.push((message!("emergency-waiting", count = waiting), Tone::Waiting));
        }
        facts
    }

    pub fn name(&self, step: EmergencyStep) -> String {
        self.context.printer.text(&name(step))
    }

    pub fn heading(&self, place: usize, step: EmergencyStep, fit: &Fit) {
        let (said, tone) = match fit {
            Fit::Due => (message!("emergency-fit-due"), Tone::Plain),
            Fit::Settled => (message!("emergency-fit-settled"), Tone::Good),
            Fit::Skipped => (message!("emergency-fit-skipped"), Tone::Quiet),
            Fit::Unneeded(why) => (message!("emergency-fit-unneeded", why = why.clone()), Tone::Quiet),
            Fit::ByHand(why) => (message!("emergency-fit-by-hand", why = why.clone()), Tone::Waiting),
        };
        let total = EmergencyStep::ALL.len();
        let said = message!("emergency-step", place = place, total = total, step = name(step), fit = said);
        self.context.printer.note_in(&said, tone);
    }

    /// What a step would do, in the exact words of whoever does it.
    pub fn details(&self, step: EmergencyStep, fit: &Fit) {
        let printer = self.context.printer;
        let lines = match fit {
            Fit::Due => self.commands(step),
            Fit::ByHand(_) => self.by_hand(step),
            Fit::Settled | Fit::Skipped | Fit::Unneeded(_) => return,
        };
        for line in lines {
            match line {
                Line::Said(said, tone) => printer.note_under(4, &said, tone),
                Line::Text(text) => printer.note_text(6, &text),
            }
        }
    }

    /// What the program runs.
    fn commands(&self, step: EmergencyStep) -> Vec<Line> {
        let settings = &self.context.settings;
        let hooks = &settings.release.hooks;
        match step {
            EmergencyStep::StopApp | EmergencyStep::App => {
                let tasks = step.tasks().iter();
                let mut lines: Vec<Line> = tasks
                    .filter_map(|task| hooks.of(*task))
                    .map(|hook| Line::Text(shown(hook, self.context)))
                    .collect();
                if step == EmergencyStep::App {
                    let version = self.situation.previous_version.as_deref().unwrap_or("?").to_owned();
                    lines.insert(0, Line::Said(message!("emergency-app-back", version = version), Tone::Plain));
                    if hooks.of(Task::WaitRolledBack).is_none() {
                        let seconds = settings.release.terms.answers_within.as_secs();
                        lines.push(Line::Said(message!("emergency-app-answers", seconds = seconds), Tone::Plain));
                    }
                }
                lines
            }
            EmergencyStep::Backup => {
                let command = settings.backup.command.as_ref().map(|words| shell(words.iter().map(String::as_str)));
                let folder = settings.backup.directory.as_ref().map(|path| path.display().to_string());
                vec![match (command, folder) {
                    (Some(command), _) => Line::Text(command),
                    (None, folder) => {
                        Line::Said(message!("emergency-backup-to", path = folder.unwrap_or_default()), Tone::Plain)
                    }
                }]
            }
            EmergencyStep::Migrations => {
                let point = self.situation.point.as_ref().map(ToString::to_string).unwrap_or_default();
                let count = super::count(&self.situation.schema);
                let mut lines = vec![Line::Said(message!("emergency-undo", point = point, count = count), Tone::Plain)];
                if self.situation.passes_stage2 {
                    lines.push(Line::Said(message!("emergency-undo-stage2"), Tone::Bad));
                }
                lines.extend(self.situation.undo.iter().flat_map(undone));
                lines
            }
            EmergencyStep::Health => {
                let names: Vec<&str> = settings.health.checks.iter().map(|check| check.check.name.as_str()).collect();
                vec![Line::Said(message!("emergency-checks", checks = names.join(", ")), Tone::Plain)]
            }
        }
    }

    /// What a person does in the program's place.
    pub fn by_hand(&self, step: EmergencyStep) -> Vec<Line> {
        match step {
            EmergencyStep::StopApp => vec![Line::Said(message!("emergency-by-hand-stop"), Tone::Plain)],
            EmergencyStep::App => {
                let version = self.situation.previous_version.as_deref().unwrap_or("?");
                vec![Line::Said(message!("emergency-by-hand-app", version = version), Tone::Plain)]
            }
            EmergencyStep::Health => vec![Line::Said(message!("emergency-by-hand-health"), Tone::Plain)],
            EmergencyStep::Backup => vec![
                Line::Said(message!("emergency-by-hand-backup"), Tone::Plain),
                Line::Text(self.target().dump(&format!("backup-{}", self.target().database))),
            ],
            EmergencyStep::Migrations => {
                let (scripts, said) = self.scripts();
                let mut lines = vec![Line::Said(said, Tone::Plain)];
                if self.situation.server.is_none() {
                    lines.push(Line::Text(self.target().look()));
                }
                lines.extend(self.target().undo(&scripts).into_iter().map(Line::Text));
                lines
            }
        }
    }

    /// The down scripts that a person would run, the last applied first, and how sure that is.
    fn scripts(&self) -> (Vec<ByHandScript>, Message) {
        let standing = &self.situation.standing;
        if let Some(newest) = standing.iter().map(|one| one.release_id).max() {
            let of_release = standing.iter().filter(|one| one.release_id == newest);
            let scripts = of_release.map(|one| self.script(one)).collect();
            return (scripts, message!("emergency-by-hand-undo", release = newest));
        }
        let Ok(folder) = self.context.folder() else {
            return (Vec::new(), message!("emergency-by-hand-nothing"));
        };
        let mut pairs = folder.pairs;
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.number));
        let script = |path: &str, text: &str| ByHandScript {
            path: self.beside(path).display().to_string(),
            is_transactional: runs_in_a_transaction(text),
        };
        let scripts = pairs.iter().map(|pair| script(&pair.down.path, &pair.down.text)).collect();
        (scripts, message!("emergency-by-hand-files"))
    }

    /// The file of the checkout where it is still the script that the ledger kept; else the kept one, written beside the
    /// journal.
    fn script(&self, standing: &StandingDown) -> ByHandScript {
        let is_transactional = runs_in_a_transaction(&standing.sql);
        let here = self.beside(&standing.path);
        let is_same = std::fs::read_to_string(&here).is_ok_and(|text| text == standing.sql);
        let path = if is_same { here } else { self.keep(standing).unwrap_or(here) };
        ByHandScript { path: path.display().to_string(), is_transactional }
    }

    fn keep(&self, standing: &StandingDown) -> Option<PathBuf> {
        let folder = journal_folder(self.context).join("down");
        let path = folder.join(format!("{:04}_down.sql", standing.number));
        let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, &standing.sql));
        written.is_ok().then_some(path)
    }

    fn beside(&self, path: &str) -> PathBuf {
        let folder = &self.context.settings.project_dir;
        if folder == Path::new(".") { PathBuf::from(path) } else { folder.join(path) }
    }

    fn target(&self) -> ByHandTarget {
        let Ok(target) = self.context.settings.target() else { return ByHandTarget::default() };
        let host = match &target.host {
            Host::Tcp(host) => host.clone(),
            Host::SocketDir(folder) => folder.display().to_string(),
        };
        ByHandTarget { host, port: target.port, database: target.database.clone(), user: target.user.clone() }
    }
}

/// A sentence, or a line as it stands.
pub enum Line {
    Said(Message, Tone),
    Text(String),
}

pub fn name(step: EmergencyStep) -> Message {
    match step {
        EmergencyStep::StopApp => message!("emergency-name-stop-app"),
        EmergencyStep::Backup => message!("emergency-name-backup"),
        EmergencyStep::Migrations => message!("emergency-name-migrations"),
        EmergencyStep::App => message!("emergency-name-app"),
        EmergencyStep::Health => message!("emergency-name-health"),
    }
}

fn undone(prepared: &PreparedUndo) -> Vec<Line> {
    let migration = &prepared.undo.migration;
    let (number, path) = (migration.number.to_string(), prepared.file.path.to_string());
    let mut lines = vec![Line::Said(message!("emergency-undo-one", number = number, path = path), Tone::Plain)];
    if let Some(why) = &prepared.lost {
        lines.push(Line::Said(message!("emergency-undo-loses", why = why.clone()), Tone::Bad));
    } else if !prepared.salvage.is_empty() {
        lines.push(Line::Said(message!("emergency-undo-keeps"), Tone::Plain));
    }
    lines.extend(prepared.steps.iter().map(|step| Line::Text(first_line(&step.sql))));
    lines
}

/// A hook as it would be run, without what is secret of it.
fn shown(hook: &AppHook, context: &Context<'_>) -> String {
    let words = std::iter::once(&hook.line.program).chain(&hook.line.arguments);
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    // A line for the shell is shown as it was written; of a ready-made script the beginning says which it is.
    let line = match words.as_slice() {
        [shell, flag, line] if shell == "/bin/sh" && flag == "-c" => line.clone(),
        words => shell(words.iter().map(String::as_str)),
    };
    let line = if line.contains('\n') { first_line(&line) } else { line };
    Secrets::new(settings::secret_values(&context.settings)).masked(&line)
}

fn shell<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.map(quoted).collect::<Vec<_>>().join(" ")
}
