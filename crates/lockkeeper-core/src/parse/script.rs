//! One file's text, read: statements, directives, diagnostics.

use super::directive::{self, Directive, DirectiveKind};
use super::setting::Setting;
use super::squawk::{self, Fault};
use super::statement::{Sql, Statement};
use crate::message;
use crate::model::{Message, Place, Problem, Span, Stage};

/// Something wrong with a file's text, with the span to mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub span: Span,
    pub message: Message,
    pub hints: Vec<Message>,
}

impl Diagnostic {
    pub fn new(span: Span, message: Message) -> Self {
        Self { span, message, hints: Vec::new() }
    }

    #[must_use]
    pub fn hint(mut self, hint: Message) -> Self {
        self.hints.push(hint);
        self
    }

    /// The diagnostic as a refusal that shows its line of `text`.
    pub fn problem(self, path: &str, text: &str) -> Box<Problem> {
        let mut problem = Problem::refused(self.message).at(Place::span(path, text, self.span));
        problem.hints = self.hints;
        problem
    }
}

/// What a file's text holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    pub statements: Vec<Statement>,
    pub directives: Vec<Directive>,
    pub diagnostics: Vec<Diagnostic>,
}

impl Script {
    /// The stage a directive sets, with its reason.
    pub fn stage_directive(&self) -> Option<(Stage, &str)> {
        self.directives.iter().find_map(|directive| match &directive.kind {
            DirectiveKind::Stage { stage, reason } => Some((*stage, reason.as_str())),
            DirectiveKind::NoTransaction | DirectiveKind::AsWritten { .. } | DirectiveKind::Allow { .. } => None,
        })
    }

    /// Why a statement is to run as it is written, when a directive before it says so.
    pub fn as_written(&self, statement: &Statement) -> Option<&str> {
        let follows = |at: usize| self.statement_after(at).is_some_and(|next| next.span == statement.span);
        self.directives.iter().find_map(|directive| match &directive.kind {
            DirectiveKind::AsWritten { reason } if follows(directive.span.start) => Some(reason.as_str()),
            DirectiveKind::AsWritten { .. }
            | DirectiveKind::Allow { .. }
            | DirectiveKind::Stage { .. }
            | DirectiveKind::NoTransaction => None,
        })
    }

    /// The first statement that begins behind an offset.
    pub fn statement_after(&self, at: usize) -> Option<&Statement> {
        // Statements stand in the order of the file.
        self.statements.get(self.statements.partition_point(|statement| statement.span.start <= at))
    }

    /// The statement that holds an offset.
    pub fn statement_at(&self, at: usize) -> Option<&Statement> {
        let behind = self.statements.partition_point(|statement| statement.span.start <= at);
        self.statements.get(behind.checked_sub(1)?).filter(|statement| at < statement.span.end)
    }

    /// What a parameter was last set to by the file itself, before this byte. `None` when it was not set.
    pub fn setting_before(&self, name: &str, at: usize) -> Option<&Setting> {
        let before = &self.statements[..self.statements.partition_point(|statement| statement.span.start < at)];
        before.iter().rev().find_map(|statement| match &statement.sql {
            Sql::Set(setting) if setting.name == name || setting.name == "all" => Some(setting),
            _ => None,
        })
    }

    /// Whether the file itself has set the time zone before this byte, and to UTC.
    pub fn zone_is_utc(&self, at: usize) -> Option<bool> {
        self.setting_before("timezone", at).and_then(is_utc)
    }

    /// The same for each statement, where the session begins with this zone.
    pub fn zones_are_utc(&self, at_first: bool) -> Vec<bool> {
        let mut now = at_first;
        let zone_at = |statement: &Statement| {
            let before = now;
            if let Sql::Set(setting) = &statement.sql
                && ["timezone", "all"].contains(&setting.name.as_str())
            {
                now = is_utc(setting).unwrap_or(at_first);
            }
            before
        };
        self.statements.iter().map(zone_at).collect()
    }

    pub fn no_transaction(&self) -> bool {
        self.directives.iter().any(|directive| directive.kind == DirectiveKind::NoTransaction)
    }
}

/// `None` for the session's own zone.
fn is_utc(setting: &Setting) -> Option<bool> {
    let utc = ["utc", "gmt", "etc/utc", "etc/gmt", "zulu", "0", "+0", "+00", "+00:00", "uct", "universal"];
    setting.value.as_deref().map(|zone| utc.contains(&zone))
}

/// As many syntax errors as help; a missing parenthesis makes the rest of a file unreadable.
const SYNTAX_ERRORS_MAX: usize = 3;

/// Reads one file's text. Spans are byte offsets of `text` as given, a byte order mark included.
pub fn parse(text: &str) -> Script {
    // Spaces of the same length: the grammar knows no byte order mark, and spans must not move.
    let blanked = text.strip_prefix('\u{feff}').map(|rest| format!("   {rest}"));
    let tree = squawk::read(blanked.as_deref().unwrap_or(text));
    let mut diagnostics = syntax_diagnostics(text, &tree.faults);
    // The rows behind COPY … FROM STDIN are no SQL: that they stand here is the fault, not how they read.
    if let Some(copy) = tree.statements.iter().find(|statement| reads_client(&statement.sql))
        && diagnostics.first().is_some_and(|first| first.span.start > copy.span.start)
    {
        diagnostics = refused_statement(copy).into_iter().collect();
    }
    let spans: Vec<Span> = tree.statements.iter().map(|statement| statement.span).collect();
    let (directives, faults) = directive::read(&tree.comments, &spans);
    diagnostics.extend(faults);
    if diagnostics.is_empty() {
        diagnostics.extend(tree.statements.iter().filter_map(refused_statement));
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    Script { statements: tree.statements, directives, diagnostics }
}

fn syntax_diagnostics(text: &str, faults: &[squawk::SyntaxFault]) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    let line_of = |at: usize| {
        let at = at.min(text.len());
        let start = text.as_bytes()[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        (start, text[start..].lines().next().unwrap_or(""))
    };
    let mut last_line = None;
    for fault in faults {
        let (line_start, line) = line_of(fault.span.start);
        if last_line == Some(line_start) {
            continue;
        }
        last_line = Some(line_start);
        diagnostics.push(if line.trim_start().starts_with('\\') {
            let span = Span::new(line_start, line_start + line.trim_end().len());
            Diagnostic::new(span, message!("syntax-psql-command")).hint(message!("syntax-psql-command-hint"))
        } else if let Some(open) = line.find("{{") {
            let end = line.find("}}").map_or(open, |close| close.max(open)) + 2;
            let span = Span::new(line_start + open, line_start + end);
            Diagnostic::new(span, message!("syntax-template")).hint(message!("syntax-template-hint"))
        } else {
            match &fault.fault {
                Fault::Expected(expected) => {
                    let span = word_at(text, fault.span);
                    Diagnostic::new(span, message!("syntax-error", expected = expected.as_str()))
                }
                Fault::TooDeep => {
                    Diagnostic::new(fault.span, message!("syntax-too-deep")).hint(message!("syntax-too-deep-hint"))
                }
            }
        });
        if diagnostics.len() == SYNTAX_ERRORS_MAX {
            break;
        }
    }
    diagnostics
}

/// The grammar marks an offset; a person wants to see the word that stands there.
fn word_at(text: &str, span: Span) -> Span {
    let rest = text.get(span.start..).unwrap_or("");
    let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    Span::new(span.start, span.end.max(span.start + length))
}

const fn reads_client(sql: &Sql) -> bool {
    matches!(sql, Sql::CopyFrom { from_client: true, .. })
}

/// Statements that cannot be run from a migration file at all.
fn refused_statement(statement: &Statement) -> Option<Diagnostic> {
    use super::statement::TransactionControl as T;
    let refuse = |message, hint| Some(Diagnostic::new(statement.span, message).hint(hint));
    match &statement.sql {
        Sql::CopyFrom { from_client: true, .. } => {
            refuse(message!("statement-copy-from-stdin"), message!("statement-copy-from-stdin-hint"))
        }
        Sql::Transaction(T::Rollback) => refuse(message!("statement-rollback"), message!("statement-rollback-hint")),
        Sql::Transaction(T::BeginWithModes | T::TwoPhase) => {
            refuse(message!("statement-transaction-modes"), message!("statement-transaction-modes-hint"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{AlterTableAction, ObjectKind};

    /// Statements as text, then what is wrong, then the directives.
    fn check(text: &str, expected: &str) {
        let script = parse(text);
        let mut out: Vec<String> =
            script.statements.iter().map(|statement| statement.span.of(text).to_owned()).collect();
        out.extend(script.diagnostics.iter().map(|it| format!("! {} @{:?}", it.message, it.span.of(text))));
        out.extend(script.directives.iter().map(|it| format!("# {:?}", it.kind)));
        assert_eq!(out.join("\n"), expected);
    }

    #[test]
    fn splits_where_postgresql_does() {
        check(
            "-- a; b\nSELECT 'x;y';;\n/* ; */ DO $a$ BEGIN PERFORM 1; END $a$;\nSELECT $$;$$ -- end\n",
            "SELECT 'x;y'\nDO $a$ BEGIN PERFORM 1; END $a$\nSELECT $$;$$",
        );
        check(
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END; SELECT 3",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END\nSELECT 3",
        );
    }

    #[test]
    fn a_byte_order_mark_and_crlf_move_no_span() {
        check("\u{feff}-- x\r\nSELECT 1;\r\nSELECT 2;\r\n", "SELECT 1\nSELECT 2");
    }

    #[test]
    fn names_syntax_errors() {
        check(
            "SELECT 1;\nCRATE TABLE t;\n",
            "SELECT 1\nTABLE t\n! syntax-error expected=\"expected command, found IDENT\" @\"CRATE\"",
        );
        check("\\restrict abc\nSELECT 1;", "SELECT 1\n! syntax-psql-command @\"\\\\restrict abc\"");
    }

    #[test]
    fn unterminated_literals_are_syntax_errors() {
        for text in ["SELECT 'abc", "SELECT $$abc", "SELECT \"abc", "/* never closed"] {
            assert!(!parse(text).diagnostics.is_empty(), "{text}");
        }
    }

    #[test]
    fn reads_directives() {
        check(
            "-- lockkeeper: stage=2 reason=\"old workers \\\"write\\\" this\"\n--lockkeeper:no-transaction\nVACUUM t;",
            "VACUUM t\n# Stage { stage: Contract, reason: \"old workers \\\"write\\\" this\" }\n# NoTransaction",
        );
        check("-- lockkeeper is what runs this file\nSELECT 1", "SELECT 1");
    }

    #[test]
    fn an_allow_names_its_rule_and_its_reason() {
        check(
            "-- lockkeeper: allow=drop-table reason=\"empty\"\n-- lockkeeper: allow=drop-column reason=\"x\"\nDROP TABLE t;",
            "DROP TABLE t\n# Allow { rule: \"drop-table\", reason: \"empty\" }\n# Allow { rule: \"drop-column\", reason: \"x\" }",
        );
        check("-- lockkeeper: allow=a reason=\"x\"", "# Allow { rule: \"a\", reason: \"x\" }");
        check("-- lockkeeper: allow reason=\"x\"", "! directive-allow-value @\"allow\"");
        check("-- lockkeeper: allow=a", "! directive-reason-missing word=\"allow\" @\"allow=a\"");
    }

    #[test]
    fn reads_the_columns_and_keys_of_a_new_table() {
        let text = "CREATE TABLE t (id BigSerial PRIMARY KEY, o int NOT NULL REFERENCES o, a varchar(9) DEFAULT 'x', \
                    UNIQUE (a, o), FOREIGN KEY (a, o) REFERENCES p (x, y)) PARTITION BY RANGE (id)";
        let Sql::CreateTable(table) = &parse(text).statements[0].sql else { panic!() };
        let column = |it: &crate::parse::ColumnDefinition| {
            format!("{} {} {} {}", it.name, it.type_name, it.not_null, it.has_default)
        };
        let columns: Vec<_> = table.columns.iter().map(column).collect();
        assert_eq!(columns, ["id bigserial true true", "o int true false", "a varchar(9) false true"]);
        let names = |lists: &[Vec<crate::parse::Ident>]| {
            let list = |it: &Vec<crate::parse::Ident>| it.iter().map(ToString::to_string).collect::<Vec<_>>().join("+");
            lists.iter().map(list).collect::<Vec<_>>().join(" ")
        };
        assert_eq!((names(&table.keys).as_str(), names(&table.foreign_keys).as_str()), ("id a+o", "o a+o"));
        assert!(table.partitioned);
    }

    #[test]
    fn reads_what_a_check_a_rename_and_a_validation_name() {
        let actions = |text: &str| match parse(text).statements.remove(0).sql {
            Sql::AlterTable(alter) => alter.actions,
            other => panic!("{other:?}"),
        };
        let [AlterTableAction::AddConstraint(_, check)] = &actions("ALTER TABLE t ADD CHECK ((a IS NOT NULL))")[..]
        else {
            panic!()
        };
        assert_eq!(check.not_null_of.as_ref().unwrap().as_str(), "a");
        let [AlterTableAction::AddConstraint(_, check)] = &actions("ALTER TABLE t ADD CHECK (a > 0)")[..] else {
            panic!()
        };
        assert_eq!(check.not_null_of, None);
        let [AlterTableAction::RenameColumn { to, .. }] = &actions("ALTER TABLE t RENAME a TO b")[..] else { panic!() };
        assert_eq!(to.as_ref().unwrap().as_str(), "b");
        let [AlterTableAction::ValidateConstraint { constraint, .. }] =
            &actions("ALTER TABLE t VALIDATE CONSTRAINT c")[..]
        else {
            panic!()
        };
        assert_eq!(constraint.as_ref().unwrap().as_str(), "c");
        let text = "ALTER TABLE t ALTER a TYPE text COLLATE \"C\"";
        let [AlterTableAction::AlterColumn { new_type: Some(new), .. }] = &actions(text)[..] else { panic!() };
        assert!(new.collates);
    }

    #[test]
    fn refuses_directives_that_do_not_hold() {
        check("-- lockkeeper: stage=3 reason=\"x\"", "! directive-stage-value @\"stage=3\"");
        check("-- lockkeeper: stage=2", "! directive-reason-missing word=\"stage\" @\"stage=2\"");
        check("-- lockkeeper: stag=2", "! directive-unknown word=\"stag\" @\"stag=2\"");
        check("-- lockkeeper: no-transaction now", "! directive-key-unknown key=\"now\" @\"now\"");
        check("-- lockkeeper: stage=2 reason=\"x", "! directive-quote-open @\"reason=\\\"x\"");
        check("-- lockkeeper stage=2", "! directive-without-colon @\"-- lockkeeper stage=2\"");
        check(
            "-- lockkeeper: no-transaction\n-- lockkeeper: no-transaction",
            "! directive-twice word=\"no-transaction\" @\"-- lockkeeper: no-transaction\"\n# NoTransaction",
        );
        check(
            "SELECT 1;\n-- lockkeeper: no-transaction",
            "SELECT 1\n! directive-too-late word=\"no-transaction\" @\"-- lockkeeper: no-transaction\"",
        );
    }

    #[test]
    fn finds_statements_inside_do_bodies_at_their_place() {
        let text = "DO $$ BEGIN IF true THEN ALTER TABLE t DROP COLUMN x; END IF; EXECUTE 'x' || y; END $$;";
        let script = parse(text);
        let Sql::Do(crate::parse::Body { statements: body, unreadable }) = &script.statements[0].sql else {
            panic!("{script:?}")
        };
        assert_eq!(body[0].span.of(text), "ALTER TABLE t DROP COLUMN x");
        let Sql::AlterTable(alter) = &body[0].sql else { panic!() };
        assert!(
            matches!(&alter.actions[0], AlterTableAction::DropColumn { column: Some(name), .. } if name.as_str() == "x")
        );
        assert_eq!(unreadable[0].span.of(text), "EXECUTE 'x' || y");
    }

    #[test]
    fn names_what_is_dropped() {
        let drop = |text: &str| match &parse(text).statements[0].sql {
            Sql::Drop(drop) => {
                (drop.object, drop.names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "), drop.on.clone())
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(drop("DROP TABLE IF EXISTS a.b, \"C d\" CASCADE").1, "a.b \"C d\"");
        assert_eq!(drop("DROP FUNCTION f(int), s.g"), (ObjectKind::Function, "f s.g".into(), None));
        let (_, trigger, on) = drop("DROP TRIGGER tr ON s.t");
        assert_eq!((trigger.as_str(), on.unwrap().to_string().as_str()), ("tr", "s.t"));
        assert_eq!(drop("DROP SCHEMA sc CASCADE").1, "sc");
        assert_eq!(drop("DROP EXTENSION \"uuid-ossp\"").1, "\"uuid-ossp\"");
    }

    #[test]
    fn what_psql_would_do_is_refused_with_a_way_out() {
        check("COPY t FROM STDIN;", "COPY t FROM STDIN\n! statement-copy-from-stdin @\"COPY t FROM STDIN\"");
        check("BEGIN; ROLLBACK;", "BEGIN\nROLLBACK\n! statement-rollback @\"ROLLBACK\"");
    }
}
