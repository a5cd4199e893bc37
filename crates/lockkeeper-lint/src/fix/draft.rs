//! The files as one remedy would leave them.

use std::sync::Arc;

use lockkeeper_core::classify::{Reading, effects_by_statement};
use lockkeeper_core::message;
use lockkeeper_core::model::{Checksum, Message, Span, Stage};
use lockkeeper_core::parse::{DirectiveKind, Ident, MigrationFile, ObjectKind, Script, Sql, Statement};

use super::layout::{Pair, plain};
use super::{Source, split};
use crate::report::{Edit, Finding, Remedy};
use crate::rule::{Migration, Side, cut, keyword_end, words};

/// What a remedy makes of the files.
#[derive(Debug)]
pub struct Draft {
    pub sources: Vec<Source>,
    /// The migration that was changed, by its index before.
    pub index: usize,
    /// The migration that was made, by its index after.
    pub made: Option<usize>,
    pub kind: DraftKind,
    /// What was edited or moved away: the statements at these offsets are meant to do something else afterwards.
    pub touched: Vec<(Side, usize)>,
    /// Where edited text stands afterwards.
    pub written: Vec<(Side, Span)>,
}

/// How the files before and after are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DraftKind {
    /// What is not touched stays as it is, where it is.
    Edited,
    /// Each statement is in one of two files, and the second is of stage 2.
    Split,
}

impl Draft {
    pub fn of(sources: &[Source], read: &[Migration<'_>], finding: &Finding) -> Result<Self, Message> {
        let nothing = || message!("fix-nothing");
        let path = &finding.place.path;
        let index = sources.iter().position(|it| it.files().any(|file| file.path == *path)).ok_or_else(nothing)?;
        let at = At { sources, migration: &read[index], index, side: side(&sources[index], path) };
        match finding.remedy.as_ref().ok_or_else(nothing)? {
            Remedy::Edits(edits) => Ok(at.edited(edits)),
            Remedy::Alone(edits) => at.alone(finding.span.ok_or_else(nothing)?, edits),
            Remedy::Followed { edits, constraint, up, down } => {
                at.followed(finding.span.ok_or_else(nothing)?, edits, constraint, up, down)
            }
            Remedy::Split => split::split(sources, &read[index], index),
        }
    }
}

fn side(source: &Source, path: &Arc<str>) -> Side {
    if source.up.path == *path { Side::Up } else { Side::Down }
}

/// A file with another text.
pub fn with_text(file: &MigrationFile, text: String) -> MigrationFile {
    MigrationFile { path: Arc::clone(&file.path), checksum: Checksum::of(text.as_bytes()), text }
}

/// The text with all edits, and where what they put in stands.
pub fn apply(text: &str, edits: &[Edit]) -> (String, Vec<Span>) {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.span);
    let (mut out, mut at, mut put) = (String::new(), 0, Vec::new());
    for edit in edits {
        out.push_str(text.get(at..edit.span.start).unwrap_or(""));
        put.push(Span::new(out.len(), out.len() + edit.text.len()));
        out.push_str(&edit.text);
        at = edit.span.end;
    }
    out.push_str(text.get(at..).unwrap_or(""));
    (out, put)
}

/// The part of a text that a span covers, with the edits that fall into it.
fn apply_within(text: &str, span: Span, edits: &[Edit]) -> String {
    let moved = |edit: &Edit| {
        let own = Span::new(edit.span.start - span.start, edit.span.end - span.start);
        Edit::new(own, edit.text.clone())
    };
    let edits: Vec<Edit> = edits.iter().map(moved).collect();
    apply(span.of(text), &edits).0
}

/// One script of one migration.
struct At<'a> {
    sources: &'a [Source],
    migration: &'a Migration<'a>,
    index: usize,
    side: Side,
}

impl At<'_> {
    fn file(&self) -> &MigrationFile {
        let source = &self.sources[self.index];
        match (self.side, &source.down) {
            (Side::Down, Some(down)) => down,
            _ => &source.up,
        }
    }

    fn script(&self) -> &Script {
        match self.side {
            Side::Up => &self.migration.script,
            Side::Down => &self.migration.down_script,
        }
    }

    fn edited(&self, edits: &[Edit]) -> Draft {
        let (text, put) = apply(&self.file().text, edits);
        let statements = edits.iter().filter_map(|edit| self.script().statement_at(edit.span.start));
        let touched = statements.map(|statement| (self.side, statement.span.start)).collect();
        let mut sources = self.sources.to_vec();
        let file = with_text(self.file(), text);
        match self.side {
            Side::Up => sources[self.index].up = file,
            Side::Down => sources[self.index].down = Some(file),
        }
        let written = put.into_iter().map(|span| (self.side, span)).collect();
        Draft { sources, index: self.index, made: None, kind: DraftKind::Edited, touched, written }
    }

    fn alone(&self, span: Span, edits: &[Edit]) -> Result<Draft, Message> {
        let script = self.script();
        let statement = script.statement_at(span.start).ok_or_else(|| message!("fix-nothing"))?;
        if script.statements.len() == 1 {
            return Ok(self.edited(edits));
        }
        if self.side == Side::Down {
            return Err(message!("fix-down-script"));
        }
        self.refuse_directives(statement)?;
        let down = &self.migration.down_script;
        let down_file = self.migration.down.ok_or_else(|| message!("fix-other-layout"))?;
        let (object, back): (&Ident, Option<&Statement>) = match &statement.sql {
            Sql::CreateIndex(index) => {
                let name = index.name.as_ref().ok_or_else(|| message!("fix-no-name"))?;
                let drops = |it: &&Statement| matches!(&it.sql, Sql::Drop(drop) if drop.object == ObjectKind::Index && drop.names[..] == [name.clone()]);
                (&name.name, down.statements.iter().find(drops))
            }
            Sql::Drop(drop) => {
                let [name] = &drop.names[..] else { return Err(message!("fix-no-name")) };
                let makes =
                    |it: &&Statement| matches!(&it.sql, Sql::CreateIndex(index) if index.name.as_ref() == Some(name));
                let back = down.statements.iter().find(makes).ok_or_else(|| message!("fix-down-unclear"))?;
                (&name.name, Some(back))
            }
            _ => return Err(message!("fix-shares-file")),
        };
        self.refuse_uses(statement, &[object])?;
        let up = format!("{};\n", apply_within(&self.file().text, statement.span, edits));
        let down_text = match (back, &statement.sql) {
            (Some(back), _) => format!("{};\n", concurrently(back, &down_file.text)),
            (None, Sql::CreateIndex(index)) => {
                let name = index.name.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("DROP INDEX CONCURRENTLY IF EXISTS {name};\n")
            }
            (None, _) => return Err(message!("fix-down-unclear")),
        };
        let contracts = effects_by_statement(self.script()).into_iter().zip(&script.statements);
        let contracts = contracts
            .filter(|(_, it)| it.span == statement.span)
            .any(|(effects, _)| effects.iter().any(|effect| effect.reading == Reading::Contracts));
        let verb = match &statement.sql {
            Sql::Drop(_) => "without",
            _ if contracts => "unique",
            _ => "add",
        };
        let name = plain(&[verb, object.as_str()]).ok_or_else(|| message!("fix-no-name"))?;
        self.with_pair(statement, &[cut(&self.file().text, statement.span)], back, &name, up, down_text)
    }

    fn followed(&self, span: Span, edits: &[Edit], constraint: &Ident, up: &str, down: &str) -> Result<Draft, Message> {
        let statement = self.script().statement_at(span.start).ok_or_else(|| message!("fix-nothing"))?;
        self.refuse_uses(statement, &[constraint])?;
        let name = plain(&["validate", constraint.as_str()]).ok_or_else(|| message!("fix-no-name"))?;
        // It scans and changes nothing that code sees, but it can only run once there is something to validate.
        let stage = if self.migration.stage() == Some(Stage::Contract) {
            "-- lockkeeper: stage=2 reason=\"it validates what stage 2 adds\"\n"
        } else {
            ""
        };
        self.with_pair(statement, edits, None, &name, format!("{stage}{up}\n"), format!("{down}\n"))
    }

    /// The script edited, what stood in the down script for it moved, and a new pair behind all others.
    fn with_pair(
        &self,
        statement: &Statement,
        edits: &[Edit],
        back: Option<&Statement>,
        name: &str,
        up: String,
        down: String,
    ) -> Result<Draft, Message> {
        let pair = Pair::of(&self.sources[self.index]).ok_or_else(|| message!("fix-other-layout"))?;
        let (made, pair) = pair.next(self.sources, name)?;
        let mut draft = self.edited(edits);
        draft.touched.push((Side::Up, statement.span.start));
        if let (Some(back), Some(file)) = (back, self.migration.down) {
            if self.migration.down_script.statements.len() == 1 {
                return Err(message!("fix-down-unclear"));
            }
            let (text, _) = apply(&file.text, &[cut(&file.text, back.span)]);
            draft.sources[self.index].down = Some(with_text(file, text));
            draft.touched.push((Side::Down, back.span.start));
        }
        draft.sources.insert(made, pair.source(up, down)?);
        draft.made = Some(made);
        Ok(draft)
    }

    /// A directive before a statement would speak of the next one, were the statement moved away.
    fn refuse_directives(&self, statement: &Statement) -> Result<(), Message> {
        let script = self.script();
        let speaks = script.directives.iter().any(|directive| {
            let is_for_statement =
                matches!(directive.kind, DirectiveKind::Allow { .. } | DirectiveKind::AsWritten { .. });
            let next = script.statement_after(directive.span.start);
            is_for_statement && next.is_some_and(|next| next.span == statement.span)
        });
        if speaks { Err(message!("fix-directive")) } else { Ok(()) }
    }

    /// What comes later must not need what moves behind it: neither its name, nor its table in another shape.
    fn refuse_uses(&self, statement: &Statement, names: &[&Ident]) -> Result<(), Message> {
        let table = match &statement.sql {
            Sql::CreateIndex(index) => index.table.as_ref().map(|table| &table.name),
            Sql::AlterTable(alter) => alter.table.as_ref().map(|table| &table.name),
            _ => None,
        };
        let own = self.script().statements.iter().map(|it| (&*self.migration.up.path, &*self.migration.up.text, it));
        let own = own.filter(|(_, _, it)| it.span.start > statement.span.start);
        let read: Vec<_> =
            self.sources[self.index + 1..].iter().map(|it| (it, lockkeeper_core::parse::parse(&it.up.text))).collect();
        let later = read
            .iter()
            .flat_map(|(source, script)| script.statements.iter().map(|it| (&*source.up.path, &*source.up.text, it)));
        for (path, text, later) in own.chain(later) {
            let said = words(later.span.of(text));
            let says = |name: &&Ident| said.contains(&name.as_str().to_lowercase());
            let harmless = matches!(later.sql, Sql::CreateIndex(_) | Sql::Comment { .. });
            let used =
                names.iter().copied().find(|name| says(name)).or_else(|| table.filter(|it| says(it) && !harmless));
            if let Some(name) = used {
                return Err(message!("fix-used-later", name = name.to_string(), path = path));
            }
        }
        Ok(())
    }
}

/// A statement on an index, so that it disturbs nobody.
fn concurrently(statement: &Statement, text: &str) -> String {
    let own = statement.span.of(text);
    let at = match &statement.sql {
        Sql::CreateIndex(index) if !index.concurrently => Some(index.anchors.after_index - statement.span.start),
        Sql::Drop(drop) if !drop.concurrently && !drop.cascade => keyword_end(own, &["drop", "index"]),
        _ => None,
    };
    match at {
        Some(at) => format!("{} CONCURRENTLY{}", &own[..at], &own[at..]),
        None => own.to_owned(),
    }
}
