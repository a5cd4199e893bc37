//! What a rule looks at, and where it puts what it finds.

use lockkeeper_core::classify::{Effect, Fresh, StageDecision, decide_stage, effects};
use lockkeeper_core::model::{Message, MigrationName, Problem, ServerVersion, Span, Stage};
use lockkeeper_core::parse::{
    AlterTable, AlterTableAction, Ident, MigrationFile, ObjectName, Script, Sql, Statement, parse,
};

use super::{History, Passed};

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
            Sql::AlterTable(alter) => self.in_use(alter.table.as_ref()).map(|table| (alter, table)),
            _ => None,
        }
    }

    /// The columns of CREATE TABLE, or that ALTER TABLE adds: where, name, and type as it is written.
    pub fn new_columns(&self) -> Vec<(Span, String, &'a str)> {
        match self.sql() {
            Sql::CreateTable(table) => {
                let columns = table.columns.iter();
                columns.map(|it| (it.span, it.name.to_string(), it.type_name.as_str())).collect()
            }
            Sql::AlterTable(alter) => {
                let added = alter.actions.iter().filter_map(|action| match action {
                    AlterTableAction::AddColumn(span, add) => {
                        Some((*span, shown(add.column.as_ref()), add.type_name.as_str()))
                    }
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
        let side = self.side.unwrap_or(Side::Up);
        self.hits.push(Hit { side, span: Some(span), message, help });
    }

    pub fn hit_in(&mut self, side: Side, span: Option<Span>, message: Message, help: Message) {
        self.hits.push(Hit { side, span, message, help });
    }
}

/// An identifier for a message.
pub fn shown(ident: Option<&Ident>) -> String {
    ident.map_or_else(|| "?".to_owned(), ToString::to_string)
}
