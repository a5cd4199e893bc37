//! A migration of both stages as two: what adds keeps its number, what removes comes behind all others.

use std::collections::BTreeSet;

use lockkeeper_core::classify::{Effect, Reading, effects_by_statement};
use lockkeeper_core::message;
use lockkeeper_core::model::{Message, Span};
use lockkeeper_core::parse::{
    AlterTableAction, ColumnChange, DirectiveKind, Ident, ObjectKind, ObjectName, Script, Sql, Statement,
};

use super::Source;
use super::draft::{Draft, DraftKind};
use super::layout::{Pair, plain};
use crate::rule::{Migration, words};

/// One statement, or one action of an ALTER TABLE, as it will stand in one of the two files.
struct Piece<'a> {
    /// With the comments before it.
    text: String,
    removes: bool,
    /// What it makes, takes or changes; empty where that cannot be told.
    subjects: Vec<Subject>,
    /// Its words, those of SQL left out.
    words: BTreeSet<String>,
    statement: &'a Statement,
}

impl Piece<'_> {
    fn is_of_a_column(&self) -> bool {
        matches!(self.subjects[..], [Subject::Column(..) | Subject::Nature(..)])
    }
}

/// What a piece is about, the same for what does it and for what undoes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Object(ObjectKind, ObjectName),
    Column(ObjectName, Ident),
    Constraint(ObjectName, Ident),
    /// What a column is like: its type, its default, whether it holds NULL.
    Nature(ObjectName, Ident),
}

/// Words of SQL that say nothing about what a statement needs.
const KEYWORDS: [&str; 22] = [
    "add",
    "alter",
    "cascade",
    "column",
    "concurrently",
    "constraint",
    "create",
    "default",
    "drop",
    "exists",
    "if",
    "index",
    "not",
    "null",
    "on",
    "only",
    "restrict",
    "set",
    "table",
    "type",
    "unique",
    "using",
];

pub fn split(sources: &[Source], migration: &Migration<'_>, index: usize) -> Result<Draft, Message> {
    let pair = Pair::of(&sources[index]).ok_or_else(|| message!("fix-other-layout"))?;
    let down_file = migration.down.ok_or_else(|| message!("fix-other-layout"))?;
    let up = pieces(&migration.script, &migration.up.text)?;
    let down = pieces(&migration.down_script, &down_file.text)?;
    may_part(&up)?;
    let (adding, removing): (Vec<&Piece<'_>>, Vec<&Piece<'_>>) = up.iter().partition(|piece| !piece.removes);
    let (undo_adding, undo_removing) = undone(&down, &adding, &removing)?;
    refuse_later_uses(sources, index, &removing)?;
    let first_name = name(&adding, "add", "create", &pair.name).ok_or_else(|| message!("fix-no-name"))?;
    let second_name = name(&removing, "remove", "remove", &pair.name).ok_or_else(|| message!("fix-no-name"))?;
    let (made, second) = pair.next(sources, &second_name)?;
    let session = session_of(&migration.script, &migration.up.text);
    let down_session = session_of(&migration.down_script, &down_file.text);
    let mut sources = sources.to_vec();
    sources[index] =
        pair.named(&first_name).source(text_of(&session, &adding), text_of(&down_session, &undo_adding))?;
    sources.insert(made, second.source(text_of(&session, &removing), text_of(&down_session, &undo_removing))?);
    let (touched, written) = (Vec::new(), Vec::new());
    Ok(Draft { sources, index, made: Some(made), kind: DraftKind::Split, touched, written })
}

fn text_of(session: &str, pieces: &[&Piece<'_>]) -> String {
    let texts: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
    format!("{session}{}\n", texts.join("\n"))
}

/// What sets the session up at the beginning of a script: both files need it.
fn session_of(script: &Script, text: &str) -> String {
    let own = script.statements.iter().take_while(|it| matches!(it.sql, Sql::Session | Sql::Set(_)));
    own.flat_map(|it| [it.span.of(text), ";\n"]).collect()
}

fn pieces<'a>(script: &'a Script, text: &str) -> Result<Vec<Piece<'a>>, Message> {
    let whole_file = |it: &DirectiveKind| matches!(it, DirectiveKind::Stage { .. } | DirectiveKind::NoTransaction);
    if script.directives.iter().any(|directive| whole_file(&directive.kind)) {
        return Err(message!("fix-directive"));
    }
    let mut pieces = Vec::new();
    let mut behind = 0;
    let mut is_begun = false;
    for (statement, effects) in script.statements.iter().zip(effects_by_statement(script)) {
        let lead = Span::new(behind, statement.span.start).of(text).trim_start_matches([';', ' ', '\r']).trim_start();
        behind = statement.span.end;
        match &statement.sql {
            Sql::Session | Sql::Set(_) if !is_begun => continue,
            Sql::Session
            | Sql::Set(_)
            | Sql::Transaction(_)
            | Sql::Insert { .. }
            | Sql::Update { .. }
            | Sql::Delete { .. }
            | Sql::Merge { .. }
            | Sql::CopyFrom { .. }
            | Sql::Query { .. }
            | Sql::Truncate { .. }
            | Sql::Do(_)
            | Sql::Call
            | Sql::Explain { .. } => return Err(message!("fix-split-data")),
            _ => is_begun = true,
        }
        if effects.iter().any(|effect| effect.reading == Reading::Unreadable) {
            return Err(message!("fix-split-data"));
        }
        pieces.extend(pieces_of(statement, &effects, lead, text, script)?);
    }
    Ok(pieces)
}

fn pieces_of<'a>(
    statement: &'a Statement,
    effects: &[Effect],
    lead: &str,
    text: &str,
    script: &Script,
) -> Result<Vec<Piece<'a>>, Message> {
    let contracts = |effect: &Effect| effect.reading == Reading::Contracts;
    let Sql::AlterTable(alter) = &statement.sql else {
        return Ok(vec![Piece {
            text: format!("{lead}{};", statement.span.of(text)),
            removes: effects.iter().any(contracts),
            subjects: subjects_of(statement),
            words: telling(statement.span.of(text)),
            statement,
        }]);
    };
    let (Some(table), Some(first)) = (&alter.table, alter.actions.first()) else {
        return Err(message!("fix-split-data"));
    };
    let head = Span::new(statement.span.start, first.span().start).of(text);
    let removes = |action: &AlterTableAction| {
        let own = |effect: &&Effect| action.span().start <= effect.span.start && effect.span.end <= action.span().end;
        effects.iter().filter(own).any(contracts)
    };
    // A comment or a directive between actions, or before a statement that comes apart, has no certain place.
    let between = alter.actions.windows(2).map(|two| Span::new(two[0].span().end, two[1].span().start).of(text).trim());
    let comes_apart = alter.actions.len() > 1;
    let directs = script.directives.iter().any(|directive| {
        let next = script.statement_after(directive.span.start);
        next.is_some_and(|next| next.span == statement.span)
    });
    if comes_apart && (directs || between.into_iter().any(|gap| gap != ",")) {
        return Err(message!("fix-directive"));
    }
    let one = |(at, action): (usize, &AlterTableAction)| Piece {
        text: format!("{}{head}{};", if at == 0 { lead } else { "" }, action.span().of(text)),
        removes: removes(action),
        subjects: subject_of(table, action).into_iter().collect(),
        words: telling(action.span().of(text)),
        statement,
    };
    Ok(alter.actions.iter().enumerate().map(one).collect())
}

fn telling(text: &str) -> BTreeSet<String> {
    words(text).into_iter().filter(|word| !KEYWORDS.contains(&word.as_str())).collect()
}

fn subjects_of(statement: &Statement) -> Vec<Subject> {
    match &statement.sql {
        Sql::CreateTable(table) if !table.temporary => {
            table.name.iter().map(|name| Subject::Object(ObjectKind::Table, name.clone())).collect()
        }
        Sql::CreateIndex(index) => {
            index.name.iter().map(|name| Subject::Object(ObjectKind::Index, name.clone())).collect()
        }
        Sql::Create { object, name: Some(name), on: None, or_replace: false, .. } => {
            vec![Subject::Object(*object, name.clone())]
        }
        Sql::Drop(drop) if drop.on.is_none() && !drop.cascade => {
            drop.names.iter().map(|name| Subject::Object(drop.object, name.clone())).collect()
        }
        _ => Vec::new(),
    }
}

fn subject_of(table: &ObjectName, action: &AlterTableAction) -> Option<Subject> {
    match action {
        AlterTableAction::AddColumn(_, add) => Some(Subject::Column(table.clone(), add.column.clone()?)),
        AlterTableAction::DropColumn { column, cascade: false, .. } => {
            Some(Subject::Column(table.clone(), column.clone()?))
        }
        AlterTableAction::AddConstraint(_, add) => Some(Subject::Constraint(table.clone(), add.name.clone()?)),
        AlterTableAction::DropConstraint { constraint, cascade: false, .. } => {
            Some(Subject::Constraint(table.clone(), constraint.clone()?))
        }
        AlterTableAction::AlterColumn {
            column,
            change:
                ColumnChange::SetNotNull
                | ColumnChange::DropNotNull
                | ColumnChange::SetDefault
                | ColumnChange::DropDefault
                | ColumnChange::SetType,
            ..
        } => Some(Subject::Nature(table.clone(), column.clone()?)),
        _ => None,
    }
}

/// What adds comes before what removes from now on: it must not need what is removed.
fn may_part(up: &[Piece<'_>]) -> Result<(), Message> {
    if up.iter().all(|piece| piece.removes) || !up.iter().any(|piece| piece.removes) {
        return Err(message!("fix-nothing"));
    }
    for (at, piece) in up.iter().enumerate().filter(|(_, piece)| !piece.removes) {
        if let Some(word) = up[..at].iter().filter(|it| it.removes).find_map(|it| shared(it, piece)) {
            return Err(message!("fix-order", name = word));
        }
    }
    Ok(())
}

/// A word that both pieces say, other than the table that both alter.
fn shared(one: &Piece<'_>, other: &Piece<'_>) -> Option<String> {
    one.words.intersection(&other.words).next().cloned().or_else(|| {
        let table = |piece: &Piece<'_>| match &piece.statement.sql {
            Sql::AlterTable(alter) => alter.table.as_ref().map(|table| table.name.as_str().to_lowercase()),
            _ => None,
        };
        // An index names every column that it needs; a view, say, may read all of them.
        let names_all = |piece: &Piece<'_>| matches!(piece.statement.sql, Sql::CreateIndex(_));
        let needs = |of: &Piece<'_>, by: &Piece<'_>| {
            table(of).filter(|table| by.words.contains(table) && !(names_all(by) && of.is_of_a_column()))
        };
        needs(one, other).or_else(|| needs(other, one))
    })
}

type Undone<'p, 'a> = (Vec<&'p Piece<'a>>, Vec<&'p Piece<'a>>);

/// Each piece of the down script with the part that it undoes, where that is certain.
fn undone<'p, 'a>(
    down: &'p [Piece<'a>],
    adding: &[&Piece<'_>],
    removing: &[&Piece<'_>],
) -> Result<Undone<'p, 'a>, Message> {
    let unclear = || message!("fix-down-unclear");
    let of = |part: &[&Piece<'_>]| -> BTreeSet<Subject> { part.iter().flat_map(|it| it.subjects.clone()).collect() };
    let (added, removed) = (of(adding), of(removing));
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for piece in down {
        let undoes = |part: &BTreeSet<Subject>| piece.subjects.iter().all(|subject| part.contains(subject));
        let is_told = !piece.subjects.is_empty();
        match (is_told && undoes(&added), is_told && undoes(&removed)) {
            (true, false) => first.push(piece),
            (false, true) => {
                // It ran behind these until now, and runs before them from now on.
                if first.iter().any(|earlier| shared(earlier, piece).is_some()) {
                    return Err(unclear());
                }
                second.push(piece);
            }
            (true, true) | (false, false) => return Err(unclear()),
        }
    }
    if first.is_empty() || second.is_empty() { Err(unclear()) } else { Ok((first, second)) }
}

/// What removes runs behind all later migrations from now on: none of them may need that it is gone.
fn refuse_later_uses(sources: &[Source], index: usize, removing: &[&Piece<'_>]) -> Result<(), Message> {
    let removed: BTreeSet<&String> = removing.iter().flat_map(|piece| &piece.words).collect();
    for source in &sources[index + 1..] {
        let said = words(&source.up.text);
        if let Some(name) = said.iter().find(|word| removed.contains(word)) {
            return Err(message!("fix-used-later", name = name.as_str(), path = source.up.path.as_ref()));
        }
    }
    Ok(())
}

/// A name that keeps the rules of kinds: of the first thing that can be told, or of the migration.
fn name(pieces: &[&Piece<'_>], verb: &str, table_verb: &str, old: &str) -> Option<String> {
    let told = pieces.iter().flat_map(|piece| &piece.subjects).find_map(|subject| match subject {
        Subject::Column(table, column) => plain(&[verb, table.name.as_str(), column.as_str()]),
        Subject::Object(ObjectKind::Table, table) => plain(&[table_verb, table.name.as_str()]),
        Subject::Object(_, name) => plain(&[verb, name.name.as_str()]),
        Subject::Constraint(..) | Subject::Nature(..) => None,
    });
    let rest = ["add_", "create_", "remove_", "drop_"].iter().find_map(|it| old.strip_prefix(it)).unwrap_or(old);
    told.or_else(|| plain(&[verb, rest]))
}
