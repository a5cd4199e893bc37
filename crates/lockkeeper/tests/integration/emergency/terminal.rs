//! The conversation, on a terminal of the test's own; and the refusal where there is none.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use nix::pty::openpty;

use super::{frozen, report, reports};
use crate::release::Release;
use crate::shop::wait_until;

/// A command whose questions are read and answered here.
pub struct Conversation {
    child: Child,
    master: File,
    said: Arc<Mutex<String>>,
}

impl Conversation {
    fn begin(mut command: Command) -> Self {
        let pty = openpty(None, None).unwrap();
        let slave = File::from(pty.slave);
        command.stdin(slave.try_clone().unwrap()).stderr(slave).stdout(Stdio::null());
        let child = command.spawn().unwrap();
        // The command holds the other end; ours must not keep it open.
        drop(command);
        let master = File::from(pty.master);
        let said = Arc::new(Mutex::new(String::new()));
        let (mut reader, heard) = (master.try_clone().unwrap(), Arc::clone(&said));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read) = reader.read(&mut bytes) {
                if read == 0 {
                    return;
                }
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        Self { child, master, said }
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until something was said so often, and answers.
    pub fn answer(&mut self, question: &str, times: usize, word: &str) {
        wait_until(&format!("{question:?} for the time {times}"), || self.said().matches(question).count() >= times);
        writeln!(self.master, "{word}").unwrap();
    }

    pub fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        (code, self.said())
    }
}

pub fn talk(release: &Release, line: &str) -> Conversation {
    Conversation::begin(release.shop.command(&format!("--color never {line}")))
}

pub const ASKED: &str = "do it? [y = yes";

#[test]
fn without_a_terminal_it_asks_for_yes_and_does_nothing() {
    let release = frozen();
    let events = release.shop.count("lockkeeper.events");
    release.shop.run("emergency").refused(2, "emergency-needs-yes");
    assert_eq!((release.state().as_str(), release.shop.count("lockkeeper.events")), ("frozen", events));
    assert!(release.calls().is_empty() && reports(&release).is_empty());
}

#[test]
fn every_step_is_shown_and_asked_for() {
    let release = frozen();
    let mut talk = talk(&release, "emergency --reason \"by night\"");
    for (times, word) in [(1, "y"), (2, "s"), (3, "yes"), (4, "예"), (5, "y")] {
        talk.answer(ASKED, times, word);
    }
    let (code, said) = talk.end();
    assert_eq!(code, Some(0), "{said}");
    // Before the first question everything is told: what is true, and what each step runs.
    let first = said.split(ASKED).next().unwrap();
    for part in ["frozen", "mv next version", "01_add_full_name_down.sql", "DROP COLUMN full_name", "shop"] {
        assert!(first.contains(part), "{part:?} is not told before the first question:\n{first}");
    }
    assert_eq!(release.calls(), ["stop stop_app", "rollback 1"]);
    assert_eq!((release.state().as_str(), release.columns().as_str()), ("rolled_back", "id name"));
    let told = report(&release);
    assert!(told.contains("by night") && told.contains("skipped") && told.contains("terminal"), "{told}");
}

#[test]
fn whoever_says_no_stops_it_there_and_can_go_on() {
    let release = frozen();
    let mut first = talk(&release, "emergency");
    first.answer(ASKED, 1, "y");
    first.answer(ASKED, 2, "what?");
    let (code, said) = first.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("incident report: "), "{said}");
    assert_eq!((release.version().as_str(), release.columns().as_str()), ("stopped", "full_name id name"));
    let mut second = talk(&release, "emergency");
    for times in 1..=4 {
        second.answer(ASKED, times, "y");
    }
    let (code, said) = second.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(release.calls(), ["stop stop_app", "backup made", "rollback 1"]);
    assert_eq!(reports(&release).len(), 2, "neither is written over the other");
}

#[test]
fn a_signal_ends_it_at_a_question_with_a_report() {
    let release = frozen();
    let talk = talk(&release, "emergency");
    wait_until("it asks", || talk.said().contains(ASKED));
    let pid = talk.child.id().to_string();
    assert!(Command::new("sh").args(["-c", &format!("kill -s INT {pid}")]).status().unwrap().success());
    let (code, said) = talk.end();
    assert_eq!(code, Some(130), "{said}");
    assert_eq!((release.state().as_str(), reports(&release).len()), ("frozen", 1));
}

/// What no hook does, a person does and says so.
#[test]
fn what_a_person_does_is_asked_for_as_done() {
    let release = frozen();
    let settings = release.shop.project.read("lockkeeper.toml").replace("[hooks.stop_app]", "[hooks.start_app]");
    release.shop.project.write("lockkeeper.toml", &settings.replace("echo stopped > next; mv next version", "true"));
    let mut talk = talk(&release, "emergency");
    talk.answer("done? [y = yes", 1, "y");
    for times in 1..=4 {
        talk.answer(ASKED, times, "y");
    }
    let (code, said) = talk.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(report(&release).contains("by\\_hand"), "{}", report(&release));
    // Started again by its hook, behind the rollback.
    assert_eq!(release.calls(), ["backup made", "rollback 1", "stop start_app"]);
}
