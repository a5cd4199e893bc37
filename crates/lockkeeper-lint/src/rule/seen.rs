//! What a rule looks at, and where it puts what it finds.

use lockkeeper_core::classify::{Effect, Fresh, StageDecision, decide_stage, effects};
use lockkeeper_core::model::{Message, MigrationName, Problem, ServerVersion, Span, Stage};
use lockkeeper_core::parse::{
    AddConstraint, AlterTable, AlterTableAction, Ident, MigrationFile, ObjectName, Script, Sql, Statement, parse,
};

use super::{History, Passed};
use crate::report::{Edit, Remedy};

/// What the answers depend on besides the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The oldest server that the files must run on.
    pub version: ServerVersion,
    /// Whether plain SQL becomes safe steps at run time.
    pub safe_rewrites: bool,
}

/// One migration, read.
#[derive(Debug)]
pub struct Migration<'m> {
    pub up: &'m MigrationFile,
    pub script: Script,
    pub effects: Vec<Effect>,
    /// Its stage, or why its name and its effects disagree.
    pub decision: Result<StageDecision, Box<Problem>>,
    pub down: Option<&'m MigrationFile>,
    pub down_script: Script,
}

impl<'m> Migration<'m> {
    pub fn read(name: &MigrationName, up: &'m MigrationFile, down: Option<&'m MigrationFile>) -> Self {
        let script = parse(&up.text);
        let effects = effects(&script);
        let decision = decide_stage(name, up, &script, &effects);
        let down_script = down.map(|down| parse(&down.text)).unwrap_or_default();
        Self { up, script, effects, decision, down, down_script }
    }

    pub fn stage(&self) -> Option<Stage> {
        self.decision.as_ref().ok().map(|decision| decision.stage)
    }
}

/// Which of the two scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    Up,
    Down,
}

/// One statement where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub statement: &'a Statement,
    /// The table that it alters, when it was there before the file.
    pub altered: Option<&'a str>,
    /// The text of the whole file.
    pub text: &'a str,
    pub script: &'a Script,
    pub side: Side,
    /// Inside of a DO block.
    pub in_body: bool,
    /// Between BEGIN and COMMIT of the file.
    pub in_block: bool,
    /// Whether it becomes safe steps, where there are any for it.
    pub made_safe: bool,
    /// What the file, or its release, has created before the statement.
    pub fresh: &'a Fresh,
    /// What the script has done before the statement; before the whole of it, where it stands in another.
    pub passed: &'a Passed<'a>,
    /// What all files have built before the statement.
    pub history: &'a History,
    pub policy: &'a Policy,
}

impl<'a> Seen<'a> {
    pub const fn sql(&self) -> &'a Sql {
        &self.statement.sql
    }

    /// The statement's own text.
    pub fn text(&self) -> &'a str {
        self.statement.span.of(self.text)
    }

    /// The statement's words in lower case, without signs.
    pub fn words(&self) -> Vec<String> {
        words(self.text())
    }

    /// The table's name, when it was there before the file.
    pub fn in_use(&self, table: Option<&ObjectName>) -> Option<String> {
        table.filter(|_| !self.fresh.meant_table(table)).map(ToString::to_string)
    }

    /// An ALTER TABLE of a table that was there before the file.
    pub fn altered(&self) -> Option<(&'a AlterTable, String)> {
        match self.sql() {
            Sql::AlterTable(alter) => self.altered.map(|table| (alter, table.to_owned())),
            _ => None,
        }
    }

    /// What would put another type in place of a new column's; nothing in a body, whose text is never edited.
    pub fn retype(&self, column: &NewColumn<'_>, new: &str) -> Option<Remedy> {
        let span = column.type_span.filter(|_| !self.in_body)?;
        Some(Remedy::Edits(vec![Edit::new(span, new.to_owned())]))
    }

    /// Whether the statement stands where it may be written anew and moved.
    pub fn is_movable(&self) -> bool {
        !self.in_body && !self.in_block && self.script.as_written(self.statement).is_none()
    }

    /// The constraint with NOT VALID, and its validation in a migration of its own. One without a name has none that
    /// could be said there.
    pub fn validated_later(&self, alter: &AlterTable, add: &AddConstraint) -> Option<Remedy> {
        let (table, name) = (alter.table.as_ref()?, add.name.as_ref()?);
        let up = format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name};");
        // Nothing makes a constraint unproven again but to add it anew.
        let definition = add.span.of(self.text);
        let down = format!("ALTER TABLE {table} DROP CONSTRAINT {name}, ADD {definition} NOT VALID;");
        let edits = vec![Edit::insert(add.span.end, " NOT VALID")];
        (self.side == Side::Up && self.is_movable()).then(|| Remedy::Followed {
            edits,
            constraint: name.clone(),
            up,
            down,
        })
    }

    /// The columns of CREATE TABLE, or that ALTER TABLE adds.
    pub fn new_columns(&self) -> Vec<NewColumn<'a>> {
        match self.sql() {
            Sql::CreateTable(table) => {
                let columns = table.columns.iter().map(|it| NewColumn {
                    span: it.span,
                    name: it.name.to_string(),
                    type_name: &it.type_name,
                    type_span: it.type_span,
                });
                columns.collect()
            }
            Sql::AlterTable(alter) => {
                let added = alter.actions.iter().filter_map(|action| match action {
                    AlterTableAction::AddColumn(span, add) => Some(NewColumn {
                        span: *span,
                        name: shown(add.column.as_ref()),
                        type_name: &add.type_name,
                        type_span: add.type_span,
                    }),
                    _ => None,
                });
                added.collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether the whole file is one transaction.
    pub fn in_one_transaction(&self) -> bool {
        self.in_block || !self.script.no_transaction()
    }
}

/// A column that a statement makes.
#[derive(Debug, Clone)]
pub struct NewColumn<'a> {
    pub span: Span,
    pub name: String,
    /// As it is written, in lower case.
    pub type_name: &'a str,
    pub type_span: Option<Span>,
}

/// Where the keywords at the beginning of a statement end, with nothing but blanks between them.
pub fn keyword_end(statement: &str, keywords: &[&str]) -> Option<usize> {
    let mut at = 0;
    for keyword in keywords {
        at += statement.get(at..)?.len() - statement.get(at..)?.trim_start().len();
        let found = statement.get(at..at + keyword.len())?;
        at += keyword.len();
        let goes_on = statement[at..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
        if !found.eq_ignore_ascii_case(keyword) || goes_on {
            return None;
        }
    }
    Some(at)
}

/// A statement or a comment taken out, with its semicolon, and with its line where nothing else stands on it.
pub fn cut(text: &str, span: Span) -> Edit {
    let blank = |c: char| c == ' ' || c == '\t' || c == '\r';
    let behind = |at: usize| at + text[at..].len() - text[at..].trim_start_matches(blank).len();
    let mut end = span.end;
    if text[behind(end)..].starts_with(';') {
        end = behind(end) + 1;
    }
    let start = text[..span.start].trim_end_matches(blank).len();
    let begins_line = start == 0 || text[..start].ends_with('\n');
    let line_end = behind(end);
    let ends_line = line_end == text.len() || text[line_end..].starts_with('\n');
    if begins_line && ends_line {
        return Edit::new(Span::new(start, (line_end + 1).min(text.len())), String::new());
    }
    Edit::new(Span::new(span.start, if begins_line { line_end } else { end }), String::new())
}

/// The words of a text in lower case, without signs.
pub fn words(text: &str) -> Vec<String> {
    let split = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    split.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// A migration, and those before it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub migration: &'a Migration<'a>,
    pub earlier: &'a [Migration<'a>],
    /// Those before it that are on their way with it; all of them where that is not known.
    pub release: &'a [Migration<'a>],
    /// What the files before it have built.
    pub history: &'a History,
    pub policy: &'a Policy,
}

/// One place that a rule finds fault with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    pub side: Side,
    /// `None` for the file as a whole.
    pub span: Option<Span>,
    pub message: Message,
    pub help: Message,
    pub remedy: Option<Remedy>,
}

/// What one rule finds.
#[derive(Debug, Default)]
pub struct Hits {
    pub(crate) hits: Vec<Hit>,
    pub(crate) side: Option<Side>,
}

impl Hits {
    /// In the script that is being looked at.
    pub fn hit(&mut self, span: Span, message: Message, help: Message) {
        self.hit_mending(span, message, help, None);
    }

    /// In the script that is being looked at, with what would be done about it.
    pub fn hit_mending(&mut self, span: Span, message: Message, help: Message, remedy: Option<Remedy>) {
        let side = self.side.unwrap_or(Side::Up);
        self.hits.push(Hit { side, span: Some(span), message, help, remedy });
    }

    pub fn hit_in(&mut self, side: Side, span: Option<Span>, message: Message, help: Message) {
        self.hits.push(Hit { side, span, message, help, remedy: None });
    }
}

/// An identifier for a message.
pub fn shown(ident: Option<&Ident>) -> String {
    ident.map_or_else(|| "?".to_owned(), ToString::to_string)
}
