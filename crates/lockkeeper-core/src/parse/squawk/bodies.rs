//! Bodies: what DO blocks, functions and procedures run, with spans that lead back into the file.

use rowan::TextRange;
use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::body::Body as Quoted;
use squawk_syntax::decoded_text::DecodedText;
use squawk_syntax::{Parse, SourceFile, SyntaxKind, SyntaxNode};

use super::depth::too_deep_at;
use super::into_clause::without_into;
use super::{Fault, Reader, called_name, first_name, has_child, is_trivia, object_name, tokens};
use crate::model::Span;
use crate::parse::body::{Body, CreateRoutine, Unreadable, UnreadableWhy};
use crate::parse::statement::{ObjectKind, Sql, Statement, TransactionControl};

/// Bodies within bodies that are read; nobody writes as many, and each is one more round over its text.
const BODIES_MAX: usize = 16;

impl Reader<'_> {
    pub(super) fn do_block(&self, it: &ast::Do) -> Sql {
        let node = it.syntax();
        Sql::Do(match it.body().and_then(|body| body.decoded_value()) {
            Some(text) if self.is_too_deep(&text) => self.unread(node, UnreadableWhy::Depth),
            Some(_) => match it.plpgsql() {
                Some(body) => self.plpgsql(&body),
                None => self.unread(node, UnreadableWhy::Language(language_of(node))),
            },
            None => self.unread(node, UnreadableWhy::Syntax),
        })
    }

    pub(super) fn create_function(&self, it: &ast::CreateFunction) -> Sql {
        let (node, options) = (it.syntax(), it.option_list());
        let body = self.routine_body(node, it.body(), options.as_ref(), &|| it.plpgsql(), &|| it.sql_body());
        Sql::CreateRoutine(routine(ObjectKind::Function, node, body))
    }

    pub(super) fn create_procedure(&self, it: &ast::CreateProcedure) -> Sql {
        let (node, options) = (it.syntax(), it.option_list());
        let body = self.routine_body(node, it.body(), options.as_ref(), &|| it.plpgsql(), &|| it.sql_body());
        Sql::CreateRoutine(routine(ObjectKind::Procedure, node, body))
    }

    fn routine_body(
        &self,
        node: &SyntaxNode,
        standard: Option<ast::RoutineBody>,
        options: Option<&ast::FuncOptionList>,
        plpgsql: &dyn Fn() -> Option<Quoted<ast::Plpgsql>>,
        sql: &dyn Fn() -> Option<Quoted<SourceFile>>,
    ) -> Body {
        if let Some(standard) = standard {
            return self.standard(&standard);
        }
        match options.and_then(quoted_text) {
            None => self.unread(node, UnreadableWhy::Language(language_of(node))),
            Some(text) if self.is_too_deep(&text) => self.unread(node, UnreadableWhy::Depth),
            Some(_) => match (plpgsql(), sql()) {
                (Some(body), _) => self.plpgsql(&body),
                (None, Some(body)) => self.sql_script(&body),
                (None, None) => self.unread(node, UnreadableWhy::Language(language_of(node))),
            },
        }
    }

    /// A body of which nothing is known.
    fn unread(&self, node: &SyntaxNode, why: UnreadableWhy) -> Body {
        Body { statements: Vec::new(), unreadable: vec![Unreadable { span: self.span(node), why }] }
    }

    /// BEGIN ATOMIC … END and RETURN: the statements stand in the file as they are.
    fn standard(&self, body: &ast::RoutineBody) -> Body {
        let statements = body.syntax().children().filter_map(ast::Stmt::cast).filter_map(|it| self.statement(&it));
        Body { statements: statements.filter(says_something).collect(), unreadable: Vec::new() }
    }

    /// The text of a LANGUAGE sql body is a script of its own.
    fn sql_script(&self, body: &Quoted<SourceFile>) -> Body {
        let to_file = |range: TextRange| (self.to_file)(body.source_range(range));
        let inner = Reader { to_file: &to_file, depth: self.depth + 1, in_plpgsql: false };
        let statements = body.tree().stmts().filter_map(|it| inner.statement(&it)).filter(says_something).collect();
        Body { statements, unreadable: inner.faults(&body.syntax(), !body.errors().is_empty()) }
    }

    fn plpgsql(&self, body: &Quoted<ast::Plpgsql>) -> Body {
        // A body inside a body has its offsets in the outer body's text; only the outermost maps on.
        let to_file = |range: TextRange| (self.to_file)(body.source_range(range));
        let inner = Reader { to_file: &to_file, depth: self.depth + 1, in_plpgsql: true };
        let root = body.syntax();
        let mut found = Body::default();
        let mut looked_at: Vec<TextRange> = Vec::new();
        for node in root.descendants() {
            match node.kind() {
                SyntaxKind::ERROR => {
                    let region = region(&node);
                    if let (Some(first), Some(last)) = (region.first(), region.last()) {
                        let range = first.text_range().cover(last.text_range());
                        looked_at.push(body.source_range(range));
                        inner.mended(&region, &mut found);
                    }
                }
                SyntaxKind::PLPGSQL_EXEC_SQL_STMT | SyntaxKind::PLPGSQL_DO_STMT => {
                    let statements = node.children().filter_map(ast::Stmt::cast).filter_map(|it| inner.statement(&it));
                    found.statements.extend(statements);
                }
                // They are made to read; WITH and RETURNING let them write.
                SyntaxKind::PLPGSQL_CURSOR_DECL
                | SyntaxKind::PLPGSQL_FOR_QUERY_STMT
                | SyntaxKind::PLPGSQL_OPEN_QUERY
                | SyntaxKind::PLPGSQL_PERFORM_STMT
                | SyntaxKind::PLPGSQL_RETURN_QUERY_STMT => {
                    let statements = node.children().filter_map(ast::Stmt::cast).filter_map(|it| inner.statement(&it));
                    found.statements.extend(statements.filter(says_something));
                }
                SyntaxKind::PLPGSQL_COMMIT_STMT => {
                    let sql = Sql::Transaction(TransactionControl::Commit);
                    found.statements.push(Statement { span: inner.span(&node), sql });
                }
                SyntaxKind::PLPGSQL_ROLLBACK_STMT => {
                    let sql = Sql::Transaction(TransactionControl::Rollback);
                    found.statements.push(Statement { span: inner.span(&node), sql });
                }
                SyntaxKind::PLPGSQL_CALL_STMT => {
                    let why = UnreadableWhy::Called(first_name(&node).map_or_else(String::new, |it| it.to_string()));
                    found.unreadable.push(Unreadable { span: inner.span(&node), why });
                }
                SyntaxKind::PLPGSQL_DYN_EXECUTE_STMT
                | SyntaxKind::PLPGSQL_FOR_DYN_STMT
                | SyntaxKind::PLPGSQL_OPEN_EXECUTE
                | SyntaxKind::PLPGSQL_RETURN_QUERY_EXECUTE_STMT => inner.executed(&node, &mut found),
                _ => {}
            }
        }
        let elsewhere = |range: &TextRange| !looked_at.iter().any(|seen| seen.contains_inclusive(range.start()));
        let faults = body.errors().into_iter().map(|error| error.range()).filter(elsewhere);
        let faults = faults.map(|range| Unreadable { span: (self.to_file)(range), why: UnreadableWhy::Syntax });
        found.unreadable.extend(faults);
        found.unreadable.sort_by_key(|it| it.span.start);
        found
    }

    /// EXECUTE: a constant is read, what is put together is told by what puts it together.
    fn executed(&self, node: &SyntaxNode, found: &mut Body) {
        let unreadable = |span, why| Unreadable { span, why };
        let Some(query) = node.children().find(|it| it.kind() == SyntaxKind::PLPGSQL_EXPR) else { return };
        // A loop's body is no part of what it executes.
        let is_statement = node.kind() == SyntaxKind::PLPGSQL_DYN_EXECUTE_STMT;
        let place = self.span(if is_statement { node } else { &query });
        let Some(text) = constant(&query) else {
            found.unreadable.push(unreadable(place, UnreadableWhy::Built(builder_of(&query))));
            return;
        };
        if self.is_too_deep(&text) {
            found.unreadable.push(unreadable(place, UnreadableWhy::Depth));
            return;
        }
        let parse = SourceFile::parse(text.text());
        let to_file = |range: TextRange| (self.to_file)(text.source_range(range));
        let inner = Reader { to_file: &to_file, depth: self.depth + 1, in_plpgsql: false };
        let has_fault = !errors_of(&parse).is_empty();
        if has_fault {
            found.unreadable.push(unreadable(place, UnreadableWhy::Syntax));
        }
        found.statements.extend(parse.tree().stmts().filter_map(|it| inner.statement(&it)));
    }

    /// What the grammar did not know: a statement with plpgsql's INTO, or nothing that can be read.
    fn mended(&self, region: &[SyntaxNode], found: &mut Body) {
        let [first, ..] = region else { return };
        let parse = without_into(region).map(|text| SourceFile::parse(&text));
        let Some(parse) = parse.filter(|parse| errors_of(parse).is_empty()) else {
            let spans = region.iter().map(|node| self.span(node));
            let span = spans.reduce(|left, right| Span::new(left.start, right.end)).unwrap_or(Span::new(0, 0));
            found.unreadable.push(Unreadable { span, why: UnreadableWhy::Syntax });
            return;
        };
        let start = first.text_range().start();
        let to_file = |range: TextRange| (self.to_file)(range + start);
        let inner = Reader { to_file: &to_file, ..*self };
        found.statements.extend(parse.tree().stmts().filter_map(|it| inner.statement(&it)));
    }

    /// What the grammar did not know in a script.
    fn faults(&self, root: &SyntaxNode, has_fault: bool) -> Vec<Unreadable> {
        if !has_fault {
            return Vec::new();
        }
        let errors = root.descendants().filter(|it| it.kind() == SyntaxKind::ERROR);
        let mut spans: Vec<Span> = errors.map(|it| self.span(&it)).collect();
        if spans.is_empty() {
            spans.push(self.span(root));
        }
        spans.into_iter().map(|span| Unreadable { span, why: UnreadableWhy::Syntax }).collect()
    }

    fn is_too_deep(&self, text: &DecodedText) -> bool {
        self.depth >= BODIES_MAX || too_deep_at(text.text()).is_some()
    }
}

fn routine(object: ObjectKind, node: &SyntaxNode, body: Body) -> CreateRoutine {
    let options =
        || node.children().filter(|it| it.kind() == SyntaxKind::FUNC_OPTION_LIST).flat_map(|it| it.children());
    let sets = |option: &SyntaxNode| {
        option.kind() == SyntaxKind::SET_FUNC_OPTION
            && option
                .descendants()
                .filter(|it| it.kind() == SyntaxKind::CONFIG_PARAMETER_REF)
                .filter_map(|it| object_name(&it))
                .any(|it| it.name.as_str() == "search_path")
    };
    CreateRoutine {
        object,
        name: first_name(node),
        or_replace: has_child(node, SyntaxKind::OR_REPLACE),
        security_definer: options().any(|it| it.kind() == SyntaxKind::SECURITY_DEFINER_FUNC_OPTION),
        sets_search_path: options().any(|it| sets(&it)),
        body,
    }
}

/// Errors in a row up to a semicolon, of which a node is the first; none where it is a later one.
fn region(first: &SyntaxNode) -> Vec<SyntaxNode> {
    let is_error = |node: &SyntaxNode| node.kind() == SyntaxKind::ERROR;
    let goes_on =
        |node: &SyntaxNode| is_error(node) && node.last_token().is_none_or(|it| it.kind() != SyntaxKind::SEMICOLON);
    if first.prev_sibling().is_some_and(|before| goes_on(&before)) || first.ancestors().skip(1).any(|up| is_error(&up))
    {
        return Vec::new();
    }
    let next = |node: &SyntaxNode| node.next_sibling().filter(|after| goes_on(node) && is_error(after));
    std::iter::successors(Some(first.clone()), next).collect()
}

/// A script's errors. Those of its routines' bodies are among them, unless reading one would take too much of the
/// stack: then that is the error.
pub(super) fn errors_of(parse: &Parse<SourceFile>) -> Vec<(TextRange, Fault)> {
    let too_deep: Vec<_> = parse
        .syntax_node()
        .descendants()
        .filter(|node| node.kind() == SyntaxKind::FUNC_OPTION_LIST)
        .filter_map(ast::FuncOptionList::cast)
        .filter(|options| quoted_text(options).is_some_and(|text| too_deep_at(text.text()).is_some()))
        .map(|options| (options.syntax().text_range(), Fault::TooDeep))
        .collect();
    if !too_deep.is_empty() {
        return too_deep;
    }
    let errors = parse.errors().into_iter();
    errors.map(|error| (error.range(), Fault::Expected(error.message().to_owned()))).collect()
}

/// Whether a statement does more than read.
fn says_something(statement: &Statement) -> bool {
    !matches!(&statement.sql, Sql::Query { writes, locks } if writes.is_empty() && locks.is_empty())
}

fn quoted_text(options: &ast::FuncOptionList) -> Option<DecodedText> {
    options.options().find_map(|option| match option {
        ast::FuncOption::AsFuncOption(option) => match option.as_func_target()? {
            ast::AsFuncTarget::AsDefinition(definition) => definition.literal()?.decoded_value(),
            ast::AsFuncTarget::AsObjFile(_) => None,
        },
        _ => None,
    })
}

/// The language that a routine or a DO block names; empty where it names none.
fn language_of(node: &SyntaxNode) -> String {
    let option =
        node.descendants().find(|it| matches!(it.kind(), SyntaxKind::LANGUAGE_FUNC_OPTION | SyntaxKind::DO_LANGUAGE));
    let word = option.and_then(|option| tokens(&option).filter(|it| !is_trivia(it)).last());
    word.map(|word| word.text().trim_matches(['\'', '"']).to_lowercase()).unwrap_or_default()
}

/// The text of an expression that is nothing but a string, `format('…')` without a placeholder included.
fn constant(expr: &SyntaxNode) -> Option<DecodedText> {
    let mut literals = expr.descendants().filter_map(ast::Literal::cast);
    let (literal, None) = (literals.next()?, literals.next()) else { return None };
    let text = literal.decoded_value()?;
    let plain = |node: &SyntaxNode| tokens(node).filter(|it| !is_trivia(it)).count();
    let around = plain(expr) - plain(literal.syntax());
    if around == 0 {
        return Some(text);
    }
    // format ( … )
    let is_format = around == 3 && called_name(expr).is_some_and(|name| name == "format");
    (is_format && !text.text().contains('%')).then_some(text)
}

/// What puts the text of an EXECUTE together.
fn builder_of(expr: &SyntaxNode) -> String {
    let text = || tokens(expr).filter(|it| !is_trivia(it)).map(|it| it.text().to_owned());
    if text().any(|token| token == "||") || text().collect::<String>().contains("||") {
        return "||".to_owned();
    }
    if let Some(name) = called_name(expr) {
        return format!("{name}()");
    }
    text().take(3).collect()
}
