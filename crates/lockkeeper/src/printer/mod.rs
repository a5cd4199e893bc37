//! The only room that prints: data to standard output, everything else to standard error.

mod catalogue;
mod foot;
mod language;
mod problem;
mod table;

pub use catalogue::Catalogue;
pub use foot::Foot;
pub use language::Language;
pub use table::{Cell, Table};

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

use indicatif::MultiProgress;

use lockkeeper_core::model::{Message, Place, Problem};

/// What decides how things look.
pub struct Printer {
    catalogue: Catalogue,
    language: Language,
    color: bool,
    color_errors: bool,
    json: bool,
    /// What is drawn at the foot of the terminal, once something is.
    foot: OnceLock<MultiProgress>,
}

/// A line that a person types, when it is there. Whoever waits for it may give up.
pub type Typed = tokio::sync::oneshot::Receiver<String>;

/// The few colours there are, by what they mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Bad,
    Good,
    Waiting,
    Quiet,
    Strong,
    Plain,
}

impl Tone {
    const fn code(self) -> &'static str {
        match self {
            Self::Bad => "1;31",
            Self::Good => "32",
            Self::Waiting => "33",
            Self::Quiet => "2",
            Self::Strong => "1",
            Self::Plain => "",
        }
    }

    fn paint(self, text: &str, color: bool) -> String {
        if color && self != Self::Plain { format!("\u{1b}[{}m{text}\u{1b}[0m", self.code()) } else { text.to_owned() }
    }
}

impl Printer {
    /// `color` is what was asked for; without a word, a terminal gets colours unless `NO_COLOR` is set.
    pub fn new(language: Language, color: Option<bool>, json: bool) -> Self {
        let unasked = |is_terminal: bool| is_terminal && std::env::var_os("NO_COLOR").is_none();
        let wanted = |is_terminal: bool| color.unwrap_or_else(|| unasked(is_terminal));
        Self {
            catalogue: Catalogue::new(language),
            language,
            color: wanted(std::io::stdout().is_terminal()),
            color_errors: wanted(std::io::stderr().is_terminal()),
            json,
            foot: OnceLock::new(),
        }
    }

    /// Whether the command reports as JSON, so that its words stay off standard output.
    pub const fn is_json(&self) -> bool {
        self.json
    }

    pub const fn language(&self) -> Language {
        self.language
    }

    pub fn text(&self, message: &Message) -> String {
        self.catalogue.text(message)
    }

    /// A message that the ledger keeps as JSON.
    pub fn stored(&self, value: &serde_json::Value) -> String {
        self.catalogue.stored(value)
    }

    pub fn painted(&self, message: &Message, tone: Tone) -> String {
        tone.paint(&self.text(message), self.color)
    }

    /// A line of the command's answer.
    pub fn say(&self, message: &Message) {
        self.line(&self.text(message));
    }

    pub fn say_in(&self, message: &Message, tone: Tone) {
        self.line(&self.painted(message, tone));
    }

    /// A line of the answer that belongs to the one above it.
    pub fn say_under(&self, spaces: usize, message: &Message, tone: Tone) {
        self.line(&format!("{}{}", " ".repeat(spaces), self.painted(message, tone)));
    }

    /// A line of the command's answer that is no message: SQL, a table, a document. Nothing in JSON mode.
    pub fn line(&self, text: &str) {
        if !self.json {
            self.out(text);
        }
    }

    /// A whole document that is the answer, JSON mode or not.
    pub fn document(&self, text: &str) {
        self.out(text);
    }

    /// A place of the answer, with its line and what is marked in it.
    pub fn place(&self, place: &Place) -> String {
        problem::place_lines(place, self.color).join("\n")
    }

    pub fn table(&self, table: &Table) {
        for line in table.lines(self) {
            self.line(&line);
        }
    }

    /// The whole answer of a command in JSON mode.
    pub fn answer(&self, value: &serde_json::Value) {
        if self.json {
            self.out(&format!("{value:#}"));
        }
    }

    /// Something to know that is not the answer: progress, a warning.
    pub fn note(&self, message: &Message) {
        self.err(&self.text(message));
    }

    pub fn note_in(&self, message: &Message, tone: Tone) {
        self.err(&tone.paint(&self.text(message), self.color_errors));
    }

    /// A line beside the answer that belongs to the one above it.
    pub fn note_under(&self, spaces: usize, message: &Message, tone: Tone) {
        self.err(&format!("{}{}", " ".repeat(spaces), tone.paint(&self.text(message), self.color_errors)));
    }

    /// Whether a person watches what is said beside the answer.
    pub fn is_watched(&self) -> bool {
        std::io::stderr().is_terminal()
    }

    /// How far something is, in one line that the next such line is written over. For a terminal.
    pub fn note_over(&self, message: &Message) {
        let text = Tone::Quiet.paint(&self.text(message), self.color_errors);
        let _ = std::io::stderr().write_all(format!("\r\u{1b}[2K{text}").as_bytes());
    }

    /// Clears that line away.
    pub fn note_over_ends(&self) {
        let _ = std::io::stderr().write_all(b"\r\x1b[2K");
    }

    /// Text that is no message, such as SQL, beside the answer.
    pub fn note_text(&self, spaces: usize, text: &str) {
        self.err(&format!("{}{text}", " ".repeat(spaces)));
    }

    /// A refusal or failure, with everything that helps.
    pub fn problem(&self, problem: &Problem) {
        self.err(&problem::render(problem, &self.catalogue, self.color_errors));
        if self.json {
            self.out(&format!("{:#}", serde_json::json!({ "error": problem::to_json(problem, &self.catalogue) })));
        }
    }

    /// A refusal that ends nothing.
    pub fn problem_beside(&self, problem: &Problem) {
        self.err(&problem::render(problem, &self.catalogue, self.color_errors));
    }

    /// A refusal as programs read it.
    pub fn problem_json(&self, problem: &Problem) -> serde_json::Value {
        problem::to_json(problem, &self.catalogue)
    }

    /// Whether there is a person to ask.
    pub fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks on the terminal, and does not wait for the answer: whoever does may be stopped meanwhile.
    pub fn ask_for(&self, question: &Message) -> Typed {
        let (tell, typed) = tokio::sync::oneshot::channel();
        let mut stderr = std::io::stderr();
        let _ = write!(stderr, "{} ", self.text(question));
        let _ = stderr.flush();
        // A thread of its own, which nobody waits for: a read of a terminal cannot be taken back.
        std::thread::spawn(move || {
            let mut answer = String::new();
            if std::io::stdin().read_line(&mut answer).is_ok_and(|read| read > 0) {
                let _ = tell.send(answer.trim().to_lowercase());
            }
        });
        typed
    }

    /// Asks a yes-or-no question on the terminal. `None` when there is no terminal to ask on.
    pub fn ask(&self, question: &Message) -> Option<bool> {
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return None;
        }
        let mut stderr = std::io::stderr();
        let _ = write!(stderr, "{} ", self.text(question));
        let _ = stderr.flush();
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).ok()?;
        let answer = answer.trim().to_lowercase();
        Some(matches!(answer.as_str(), "y" | "yes" | "예" | "네"))
    }

    /// So many lines at the foot of the terminal, on standard error; nothing when nobody watches.
    pub fn foot(&self, lines: usize) -> Option<Foot<'_>> {
        Foot::open(self, lines)
    }

    /// Whether what is said on standard output is coloured.
    pub const fn is_colored(&self) -> bool {
        self.color
    }

    /// A reader that went away (a closed pipe) is no error of ours.
    fn out(&self, text: &str) {
        self.above_the_foot(|| {
            let _ = std::io::stdout().write_all(format!("{text}\n").as_bytes());
        });
    }

    fn err(&self, text: &str) {
        self.above_the_foot(|| {
            let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
        });
    }

    fn above_the_foot(&self, write: impl FnOnce()) {
        match self.foot.get() {
            Some(foot) => foot.suspend(write),
            None => write(),
        }
    }
}
