//! The grammar: `squawk-syntax` trees in, our statements out. The only module that knows the crate.
//!
//! Every statement kind of the grammar is named here, without a catch-all, so that a new kind in a
//! later grammar forces a decision about what it does to a running system.

mod bodies;
mod depth;
mod into_clause;

use rowan::TextRange;
use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SourceFile, SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken};

use super::statement::{
    AddColumn, AddConstraint, AlterTable, AlterTableAction, ColumnChange, ColumnClause, ColumnClauseKind,
    ColumnDefinition, ConstraintKind, CreateIndex, CreateTable, Drop, IndexAnchors, KeyAnchors, NewType, ObjectChange,
    ObjectKind, ReindexTarget, Sql, Statement, Storage, TableRef, TransactionControl,
};
use super::{Ident, ObjectName, Setting};
use crate::model::{LockMode, Span};

/// A syntax error: where, and what is wrong.
pub struct SyntaxFault {
    pub span: Span,
    pub fault: Fault,
}

pub enum Fault {
    /// What the grammar expected.
    Expected(String),
    /// Parentheses, prefixes, blocks or chains beyond what can be read.
    TooDeep,
}

/// A comment with its delimiters.
pub struct Comment {
    pub span: Span,
    pub text: String,
}

/// All that one text holds.
pub struct Tree {
    pub statements: Vec<Statement>,
    pub comments: Vec<Comment>,
    pub faults: Vec<SyntaxFault>,
}

/// Reads a whole file. Spans are byte offsets of `text`.
pub fn read(text: &str) -> Tree {
    if let Some(at) = depth::too_deep_at(text) {
        let fault = SyntaxFault { span: Span::new(at, at), fault: Fault::TooDeep };
        return Tree { statements: Vec::new(), comments: Vec::new(), faults: vec![fault] };
    }
    let parse = SourceFile::parse(text);
    let reader = Reader { to_file: &plain_span, depth: 0, in_plpgsql: false };
    let statements = parse.tree().stmts().filter_map(|stmt| reader.statement(&stmt)).collect();
    let comments = tokens(&parse.syntax_node())
        .filter(|token| token.kind() == SyntaxKind::COMMENT)
        .map(|token| Comment { span: plain_span(token.text_range()), text: token.text().to_owned() })
        .collect();
    let faults = bodies::errors_of(&parse).into_iter();
    let faults = faults.map(|(range, fault)| SyntaxFault { span: plain_span(range), fault }).collect();
    Tree { statements, comments, faults }
}

fn plain_span(range: TextRange) -> Span {
    Span::new(range.start().into(), range.end().into())
}

/// Turns nodes into statements. Inside a function body, `to_file` leads back through the quoting.
struct Reader<'a> {
    to_file: &'a dyn Fn(TextRange) -> Span,
    /// In how many bodies it stands.
    depth: usize,
    /// plpgsql's INTO fills a variable; elsewhere it makes a table.
    in_plpgsql: bool,
}

impl Reader<'_> {
    /// A node's span without the semicolon and what stands after its last token.
    fn span(&self, node: &SyntaxNode) -> Span {
        let is_own = |token: &SyntaxToken| !is_trivia(token) && token.kind() != SyntaxKind::SEMICOLON;
        // From both ends: what stands between them is not looked at.
        let first = std::iter::successors(node.first_token(), SyntaxToken::next_token).find(is_own);
        let last = std::iter::successors(node.last_token(), SyntaxToken::prev_token).find(is_own);
        match (first, last) {
            (Some(first), Some(last)) if first.text_range().start() < last.text_range().end() => {
                (self.to_file)(TextRange::new(first.text_range().start(), last.text_range().end()))
            }
            _ => (self.to_file)(node.text_range()),
        }
    }

    /// `None` for an empty statement.
    fn statement(&self, stmt: &ast::Stmt) -> Option<Statement> {
        let sql = self.sql(stmt)?;
        Some(Statement { span: self.span(stmt.syntax()), sql })
    }

    #[expect(clippy::too_many_lines, reason = "one line for each statement kind of the grammar")]
    fn sql(&self, stmt: &ast::Stmt) -> Option<Sql> {
        use ObjectKind as O;
        use ast::Stmt as S;
        let node = stmt.syntax();
        let create = |object| Sql::Create {
            object,
            name: first_name(node),
            on: on_table(node),
            or_replace: has_child(node, SyntaxKind::OR_REPLACE),
            tables: match object {
                O::Publication | O::Statistics => names_of(node, SyntaxKind::TABLE_NAME_REF),
                _ => Vec::new(),
            },
        };
        let alter_by = |object, change| Sql::Alter {
            object,
            name: first_name(node),
            change,
            tables: match object {
                O::Publication => names_of(node, SyntaxKind::TABLE_NAME_REF),
                _ => on_table(node).into_iter().collect(),
            },
            not_valid: node.descendants().any(|child| child.kind() == SyntaxKind::NOT_VALID),
        };
        let alter = |object| alter_by(object, change_of(node));
        let drop = |object| {
            Sql::Drop(Drop {
                object,
                names: dropped_names(node),
                on: on_table(node),
                if_exists: has_child(node, SyntaxKind::IF_EXISTS),
                cascade: has_child(node, SyntaxKind::CASCADE),
                concurrently: has_token(node, SyntaxKind::CONCURRENTLY_KW),
            })
        };
        Some(match stmt {
            S::EmptyStmt(_) => return None,

            S::AlterTable(it) => self.alter_table(it),
            S::CreateTable(it) => self.create_table(it),
            S::CreateTableAs(_) => Sql::CreateTable(new_table(first_name(node), node)),
            S::SelectInto(_) if self.in_plpgsql => {
                Sql::Query { writes: self.inner_writes(node), locks: row_locks(node) }
            }
            S::SelectInto(_) => {
                let into = node.descendants().find(|child| child.kind() == SyntaxKind::INTO_CLAUSE);
                Sql::CreateTable(new_table(into.as_ref().and_then(first_name), node))
            }
            S::CreateIndex(it) => self.create_index(it),
            S::Do(it) => self.do_block(it),
            S::Explain(_) => {
                let runs = has_token(node, SyntaxKind::ANALYZE_KW) || has_token(node, SyntaxKind::ANALYSE_KW);
                Sql::Explain { runs: if runs { self.inner_statements(node) } else { Vec::new() } }
            }

            S::Select(_) | S::CompoundSelect(_) | S::ParenSelect(_) | S::Table(_) | S::Values(_) => {
                Sql::Query { writes: self.inner_writes(node), locks: row_locks(node) }
            }
            S::Insert(it) => {
                let table = it.relation_name_ref().and_then(|name| object_name(name.syntax()));
                self.with_writes(node, Sql::Insert { table })
            }
            S::Update(it) => {
                let filtered = it.where_clause_or_current_of().is_some();
                self.with_writes(node, Sql::Update { table: target_table(node), filtered })
            }
            S::Delete(it) => {
                let filtered = it.where_clause_or_current_of().is_some();
                self.with_writes(node, Sql::Delete { table: target_table(node), filtered })
            }
            S::Merge(_) => {
                let deletes = node.descendants().any(|child| child.kind() == SyntaxKind::MERGE_DELETE);
                Sql::Merge { table: first_name(node), deletes }
            }
            S::Truncate(_) => Sql::Truncate { tables: table_refs(node), cascade: has_child(node, SyntaxKind::CASCADE) },
            S::Copy(it) => copy(it),
            S::Lock(it) => Sql::Lock {
                tables: table_refs(node),
                mode: it
                    .lock_mode_clause()
                    .and_then(|clause| clause.lock_mode())
                    .map_or(LockMode::AccessExclusive, |it| lock_mode(&it)),
            },
            S::Call(_) => Sql::Call,

            S::Vacuum(it) => Sql::Vacuum {
                full: it.full_token().is_some()
                    || node.descendants().any(|option| {
                        option.kind() == SyntaxKind::VACUUM_OPTION && words(&option).next().as_deref() == Some("full")
                    }),
                tables: names_of(node, SyntaxKind::TABLE_NAME_REF),
            },
            S::Analyze(_) => Sql::Analyze { tables: names_of(node, SyntaxKind::TABLE_NAME_REF) },
            S::Cluster(_) => Sql::Cluster { table: names_of(node, SyntaxKind::TABLE_NAME_REF).into_iter().next() },
            S::Repack(_) => Sql::Vacuum { full: true, tables: names_of(node, SyntaxKind::TABLE_NAME_REF) },
            S::Reindex(it) => reindex(it),
            S::Refresh(it) => Sql::Refresh {
                view: first_name(node),
                concurrently: it.concurrently_token().is_some(),
                empties: matches!(it.data_option(), Some(ast::DataOption::WithNoData(_))),
                after_view: it.view_token().map_or(0, |token| self.token_span(&token).end),
            },

            S::Begin(it) => Sql::Transaction(if it.transaction_mode_list().is_some() {
                TransactionControl::BeginWithModes
            } else {
                TransactionControl::Begin
            }),
            S::Commit(ast::Commit::CommitTransaction(it)) => Sql::Transaction(match it.chain_clause() {
                Some(ast::ChainClause::AndChain(_)) => TransactionControl::TwoPhase,
                Some(ast::ChainClause::AndNoChain(_)) | None => TransactionControl::Commit,
            }),
            S::Commit(ast::Commit::CommitPrepared(_)) | S::PrepareTransaction(_) => {
                Sql::Transaction(TransactionControl::TwoPhase)
            }
            S::Rollback(ast::Rollback::RollbackPrepared(_)) => Sql::Transaction(TransactionControl::TwoPhase),
            S::Rollback(ast::Rollback::RollbackTransaction(_)) => Sql::Transaction(TransactionControl::Rollback),
            S::Rollback(ast::Rollback::RollbackToSavepoint(_)) | S::SavepointCreate(_) | S::ReleaseSavepoint(_) => {
                Sql::Transaction(TransactionControl::Savepoint)
            }
            S::SetTransaction(_) | S::SetConstraints(_) => Sql::Transaction(TransactionControl::Settings),

            S::Close(_)
            | S::Deallocate(_)
            | S::Declare(_)
            | S::Discard(_)
            | S::Fetch(_)
            | S::Listen(_)
            | S::Load(_)
            | S::Move(_)
            | S::Notify(_)
            | S::Prepare(_)
            | S::ResetRole(_)
            | S::ResetSessionAuth(_)
            | S::SetRole(_)
            | S::SetSessionAuth(_)
            | S::Show(_)
            | S::Unlisten(_)
            | S::Checkpoint(_) => Sql::Session,
            S::Reset(_) | S::Set(_) => setting(node).map_or(Sql::Session, Sql::Set),
            // What was prepared is not looked up: the statement may do anything.
            S::Execute(_) => Sql::Call,
            S::CommentOn(_) | S::SecurityLabel(_) => Sql::Comment { on: commented(node) },
            S::Grant(_) => Sql::Grant,
            S::Revoke(_) => Sql::Revoke,

            S::AlterAggregate(_) => alter(O::Aggregate),
            S::AlterCollation(_) => alter(O::Collation),
            S::AlterConversion(_) => alter(O::Conversion),
            S::AlterDatabase(_) => alter(O::Database),
            S::AlterDefaultPrivileges(_) => alter(O::DefaultPrivileges),
            S::AlterDomain(it) => {
                alter_by(O::Domain, it.action().map_or(ObjectChange::Settles, |action| domain_change(&action)))
            }
            S::AlterEventTrigger(_) => alter(O::EventTrigger),
            S::AlterExtension(_) => alter(O::Extension),
            S::AlterForeignDataWrapper(_) => alter(O::ForeignDataWrapper),
            S::AlterForeignTable(_) => alter(O::ForeignTable),
            S::AlterFunction(_) => alter(O::Function),
            S::AlterGroup(_) | S::AlterRole(_) | S::AlterUser(_) => alter(O::Role),
            S::AlterIndex(_) => alter(O::Index),
            S::AlterLanguage(_) => alter(O::Language),
            S::AlterLargeObject(_) => alter(O::LargeObject),
            S::AlterMaterializedView(_) => alter(O::MaterializedView),
            S::AlterOperator(_) => alter(O::Operator),
            S::AlterOperatorClass(_) => alter(O::OperatorClass),
            S::AlterOperatorFamily(_) => alter(O::OperatorFamily),
            S::AlterPolicy(_) => match alter_by(O::Policy, ObjectChange::Narrows) {
                Sql::Alter { object, change, tables, not_valid, .. } => {
                    Sql::Alter { object, name: on_table(node), change, tables, not_valid }
                }
                other => other,
            },
            S::AlterProcedure(_) => alter(O::Procedure),
            S::AlterPropertyGraph(_) => alter(O::PropertyGraph),
            S::AlterPublication(it) => alter_by(
                O::Publication,
                it.action().map_or(ObjectChange::Settles, |action| publication_change(&action)),
            ),
            S::AlterRoutine(_) => alter(O::Routine),
            S::AlterRule(_) => alter(O::Rule),
            S::AlterSchema(_) => alter(O::Schema),
            S::AlterSequence(_) => alter(O::Sequence),
            S::AlterServer(_) => alter(O::Server),
            S::AlterStatistics(_) => alter(O::Statistics),
            S::AlterSubscription(_) => alter(O::Subscription),
            S::AlterSystem(_) => alter(O::System),
            S::AlterTablespace(_) => alter(O::Tablespace),
            S::AlterTextSearchConfiguration(_) => alter(O::TextSearchConfiguration),
            S::AlterTextSearchDictionary(_) => alter(O::TextSearchDictionary),
            S::AlterTextSearchParser(_) => alter(O::TextSearchParser),
            S::AlterTextSearchTemplate(_) => alter(O::TextSearchTemplate),
            S::AlterTrigger(_) => alter(O::Trigger),
            S::AlterType(it) => {
                alter_by(O::Type, it.action().map_or(ObjectChange::Settles, |action| type_change(&action)))
            }
            S::AlterUserMapping(_) => alter(O::UserMapping),
            S::AlterView(_) => alter(O::View),

            S::CreateAccessMethod(_) => create(O::AccessMethod),
            S::CreateAggregate(_) => create(O::Aggregate),
            S::CreateCast(_) => create(O::Cast),
            S::CreateCollation(_) => create(O::Collation),
            S::CreateConversion(_) => create(O::Conversion),
            S::CreateDatabase(_) => create(O::Database),
            S::CreateDomain(_) => create(O::Domain),
            S::CreateEventTrigger(_) => create(O::EventTrigger),
            S::CreateExtension(_) => create(O::Extension),
            S::CreateForeignDataWrapper(_) => create(O::ForeignDataWrapper),
            S::CreateForeignTable(_) => create(O::ForeignTable),
            S::CreateFunction(it) => self.create_function(it),
            S::CreateGroup(_) | S::CreateRole(_) | S::CreateUser(_) => create(O::Role),
            S::CreateLanguage(_) => create(O::Language),
            S::CreateMaterializedView(_) => create(O::MaterializedView),
            S::CreateOperator(_) => create(O::Operator),
            S::CreateOperatorClass(_) => create(O::OperatorClass),
            S::CreateOperatorFamily(_) => create(O::OperatorFamily),
            S::CreatePolicy(_) => create(O::Policy),
            S::CreateProcedure(it) => self.create_procedure(it),
            S::CreatePropertyGraph(_) => create(O::PropertyGraph),
            S::CreatePublication(_) => create(O::Publication),
            S::CreateRule(_) => create(O::Rule),
            S::CreateSchema(_) => create(O::Schema),
            S::CreateSequence(_) => create(O::Sequence),
            S::CreateServer(_) => create(O::Server),
            S::CreateStatistics(_) => create(O::Statistics),
            S::CreateSubscription(_) => create(O::Subscription),
            S::CreateTablespace(_) => create(O::Tablespace),
            S::CreateTextSearchConfiguration(_) => create(O::TextSearchConfiguration),
            S::CreateTextSearchDictionary(_) => create(O::TextSearchDictionary),
            S::CreateTextSearchParser(_) => create(O::TextSearchParser),
            S::CreateTextSearchTemplate(_) => create(O::TextSearchTemplate),
            S::CreateTransform(_) => create(O::Transform),
            S::CreateTrigger(_) => create(O::Trigger),
            S::CreateType(_) => create(O::Type),
            S::CreateUserMapping(_) => create(O::UserMapping),
            S::CreateView(_) => create(O::View),
            S::ImportForeignSchema(_) => create(O::ForeignSchema),

            S::DropAccessMethod(_) => drop(O::AccessMethod),
            S::DropAggregate(_) => drop(O::Aggregate),
            S::DropCast(_) => drop(O::Cast),
            S::DropCollation(_) => drop(O::Collation),
            S::DropConversion(_) => drop(O::Conversion),
            S::DropDatabase(_) => drop(O::Database),
            S::DropDomain(_) => drop(O::Domain),
            S::DropEventTrigger(_) => drop(O::EventTrigger),
            S::DropExtension(_) => drop(O::Extension),
            S::DropForeignDataWrapper(_) => drop(O::ForeignDataWrapper),
            S::DropForeignTable(_) => drop(O::ForeignTable),
            S::DropFunction(_) => drop(O::Function),
            S::DropGroup(_) | S::DropRole(_) | S::DropUser(_) => drop(O::Role),
            S::DropIndex(_) => drop(O::Index),
            S::DropLanguage(_) => drop(O::Language),
            S::DropMaterializedView(_) => drop(O::MaterializedView),
            S::DropOperator(_) => drop(O::Operator),
            S::DropOperatorClass(_) => drop(O::OperatorClass),
            S::DropOperatorFamily(_) => drop(O::OperatorFamily),
            S::DropOwned(_) | S::Reassign(_) => drop(O::Owned),
            S::DropPolicy(_) => drop(O::Policy),
            S::DropProcedure(_) => drop(O::Procedure),
            S::DropPropertyGraph(_) => drop(O::PropertyGraph),
            S::DropPublication(_) => drop(O::Publication),
            S::DropRoutine(_) => drop(O::Routine),
            S::DropRule(_) => drop(O::Rule),
            S::DropSchema(_) => drop(O::Schema),
            S::DropSequence(_) => drop(O::Sequence),
            S::DropServer(_) => drop(O::Server),
            S::DropStatistics(_) => drop(O::Statistics),
            S::DropSubscription(_) => drop(O::Subscription),
            S::DropTable(_) => drop(O::Table),
            S::DropTablespace(_) => drop(O::Tablespace),
            S::DropTextSearchConfig(_) => drop(O::TextSearchConfiguration),
            S::DropTextSearchDict(_) => drop(O::TextSearchDictionary),
            S::DropTextSearchParser(_) => drop(O::TextSearchParser),
            S::DropTextSearchTemplate(_) => drop(O::TextSearchTemplate),
            S::DropTransform(_) => drop(O::Transform),
            S::DropTrigger(_) => drop(O::Trigger),
            S::DropType(_) => drop(O::Type),
            S::DropUserMapping(_) => drop(O::UserMapping),
            S::DropView(_) => drop(O::View),
        })
    }

    fn create_table(&self, it: &ast::CreateTable) -> Sql {
        let node = it.syntax();
        let descendants = |kind| node.descendants().filter(move |child| child.kind() == kind);
        let columns: Vec<_> = descendants(SyntaxKind::COLUMN).filter_map(ast::Column::cast).collect();
        let of_column = |kind: SyntaxKind| {
            let with = columns.iter().filter(move |column| has_child(column.syntax(), kind));
            with.filter_map(ast::Column::name).map(|name| vec![ident(name.syntax())])
        };
        let listed = |kind, names: SyntaxKind| {
            let all = descendants(kind).map(move |child| {
                child.descendants().filter(|it| it.kind() == names).map(|it| ident(&it)).collect::<Vec<_>>()
            });
            all.filter(|columns| !columns.is_empty())
        };
        let foreign = descendants(SyntaxKind::FOREIGN_KEY_CONSTRAINT).filter_map(|child| {
            let list = child.children().find(|it| it.kind() == SyntaxKind::FOREIGN_KEY_COLUMN_LIST)?;
            Some(list.children().map(|column| ident(&column)).collect())
        });
        let references = node.descendants().filter(|child| {
            matches!(child.kind(), SyntaxKind::REFERENCES_CONSTRAINT | SyntaxKind::FOREIGN_KEY_CONSTRAINT)
        });
        Sql::CreateTable(CreateTable {
            temporary: matches!(it.persistence(), Some(ast::Persistence::Temp(_))),
            partition_of: it.partition_of().as_ref().and_then(|of| first_name(of.syntax())),
            parents: it
                .inherits()
                .map(|inherits| names_of(inherits.syntax(), SyntaxKind::TABLE_NAME_REF))
                .unwrap_or_default(),
            references: references
                .filter_map(|child| names_of(&child, SyntaxKind::TABLE_NAME_REF).into_iter().next())
                .collect(),
            partitioned: has_child(node, SyntaxKind::PARTITION_BY),
            columns: columns.iter().filter_map(|column| self.column(column)).collect(),
            keys: of_column(SyntaxKind::PRIMARY_KEY_CONSTRAINT)
                .chain(of_column(SyntaxKind::UNIQUE_CONSTRAINT))
                .chain(listed(SyntaxKind::PRIMARY_KEY_CONSTRAINT, SyntaxKind::COLUMN_NAME_REF))
                .chain(listed(SyntaxKind::UNIQUE_CONSTRAINT, SyntaxKind::COLUMN_NAME_REF))
                .collect(),
            foreign_keys: of_column(SyntaxKind::REFERENCES_CONSTRAINT).chain(foreign).collect(),
            ..new_table(it.table_name().as_ref().and_then(|name| first_name(name.syntax())), node)
        })
    }

    fn column(&self, it: &ast::Column) -> Option<ColumnDefinition> {
        let node = it.syntax();
        let type_name = it.ty().map(|ty| ty.syntax().text().to_string().to_lowercase()).unwrap_or_default();
        let primary_key = has_child(node, SyntaxKind::PRIMARY_KEY_CONSTRAINT);
        Some(ColumnDefinition {
            span: self.span(node),
            name: ident(it.name()?.syntax()),
            not_null: primary_key || has_child(node, SyntaxKind::NOT_NULL_CONSTRAINT),
            has_default: is_serial(&type_name)
                || has_child(node, SyntaxKind::DEFAULT_CONSTRAINT)
                || has_child(node, SyntaxKind::GENERATED_CONSTRAINT),
            primary_key,
            type_name,
            type_span: it.ty().map(|ty| self.span(ty.syntax())),
        })
    }

    fn alter_table(&self, it: &ast::AlterTable) -> Sql {
        let relation = it.table_relation_name();
        let table = relation.as_ref().and_then(|name| first_name(name.syntax()));
        let only = relation.as_ref().is_some_and(|name| name.only_token().is_some());
        let actions = it.actions().filter_map(|action| self.alter_table_action(&action)).collect();
        Sql::AlterTable(AlterTable { table, only, actions })
    }

    fn token_span(&self, token: &SyntaxToken) -> Span {
        (self.to_file)(token.text_range())
    }

    fn create_index(&self, it: &ast::CreateIndex) -> Sql {
        let items: Vec<_> = it.partition_item_list().iter().flat_map(|list| list.syntax().children()).collect();
        let expression = |item: &SyntaxNode| item.children().next();
        let plain = |item: &SyntaxNode| {
            expression(item).filter(|expr| expr.kind() == SyntaxKind::NAME_REF).map(|expr| ident(&expr))
        };
        let relation = it.table_relation_name();
        let included: Vec<_> = it
            .index_include_clause()
            .and_then(|clause| clause.syntax().children().next())
            .iter()
            .flat_map(SyntaxNode::children)
            .collect();
        let named_after = items.iter().chain(&included).filter_map(expression).map(|expr| called(&expr));
        let end = self.span(it.syntax()).end;
        let on = it.on_token().map_or(end, |token| self.token_span(&token).start);
        let behind_table = relation.as_ref().map_or(on, |name| self.span(name.syntax()).end);
        Sql::CreateIndex(CreateIndex {
            name: it.index().as_ref().and_then(|name| first_name(name.syntax())),
            table: relation.as_ref().and_then(|name| first_name(name.syntax())),
            unique: it.unique_token().is_some(),
            concurrently: it.concurrently_token().is_some(),
            if_not_exists: it.if_not_exists().is_some(),
            only: relation.is_some_and(|name| name.only_token().is_some()),
            columns: items.iter().filter_map(plain).collect(),
            named_after: named_after.collect(),
            anchors: IndexAnchors {
                after_index: it.index_token().map_or(on, |token| self.token_span(&token).end),
                on,
                definition: Span::new(behind_table, end),
            },
        })
    }

    fn add_column(&self, it: &ast::AddColumn) -> AddColumn {
        AddColumn {
            clauses: it.constraints().map(|constraint| self.column_clause(&constraint)).collect(),
            type_span: it.ty().map(|ty| self.span(ty.syntax())),
            ..add_column(it)
        }
    }

    fn column_clause(&self, constraint: &ast::Constraint) -> ColumnClause {
        use ColumnClauseKind as K;
        let kind = match constraint {
            ast::Constraint::CheckConstraint(_) => K::Check,
            ast::Constraint::DefaultConstraint(_) => K::Default,
            ast::Constraint::GeneratedConstraint(_) => K::Generated,
            ast::Constraint::NotNullConstraint(_) => K::NotNull,
            ast::Constraint::NullConstraint(_) => K::Null,
            ast::Constraint::PrimaryKeyConstraint(_) => K::PrimaryKey,
            ast::Constraint::ReferencesConstraint(_) => K::References,
            ast::Constraint::UniqueConstraint(_) => K::Unique,
            ast::Constraint::ExcludeConstraint(_) | ast::Constraint::ForeignKeyConstraint(_) => K::Other,
        };
        let node = constraint.syntax();
        let span = self.span(node);
        let clause = node.children().find(|child| child.kind() == SyntaxKind::CONSTRAINT_NAME_CLAUSE);
        let body = match &clause {
            Some(clause) => Span::new(self.span(clause).end, span.end),
            None => span,
        };
        let name = clause.and_then(|clause| clause.children().next()).map(|name| ident(&name));
        ColumnClause { kind, name, span, body }
    }

    fn add_constraint(&self, it: &ast::AddConstraint) -> Option<AddConstraint> {
        let constraint = it.constraint()?;
        let key = match &constraint {
            ast::Constraint::UniqueConstraint(unique) => {
                unique.index_parameters().map(|it| self.key_anchors(&it, unique.constraint_options()))
            }
            ast::Constraint::PrimaryKeyConstraint(primary) => {
                primary.index_parameters().map(|it| self.key_anchors(&it, primary.constraint_options()))
            }
            _ => None,
        };
        let span = self.span(constraint.syntax());
        Some(AddConstraint { span, key: key.flatten(), ..add_constraint(it)? })
    }

    fn key_anchors(
        &self,
        parameters: &ast::IndexParameters,
        options: impl Iterator<Item = ast::ConstraintOption>,
    ) -> Option<KeyAnchors> {
        let part = |kind| parameters.syntax().children().find(|child| child.kind() == kind).map(|it| self.span(&it));
        let columns = parameters.column_list()?;
        let options: Vec<Span> = options.map(|option| self.span(option.syntax())).collect();
        let options = options.first().zip(options.last()).map(|(first, last)| Span::new(first.start, last.end));
        Some(KeyAnchors {
            columns: self.span(columns.syntax()),
            include: part(SyntaxKind::CONSTRAINT_INCLUDE_CLAUSE),
            nulls: part(SyntaxKind::NULLS_DISTINCT).or_else(|| part(SyntaxKind::NULLS_NOT_DISTINCT)),
            with: part(SyntaxKind::WITH_PARAMS),
            tablespace: part(SyntaxKind::CONSTRAINT_INDEX_TABLESPACE),
            options,
            over_time: words(columns.syntax()).any(|word| word == "overlaps"),
        })
    }

    fn alter_table_action(&self, action: &ast::AlterTableAction) -> Option<AlterTableAction> {
        use AlterTableAction as T;
        use ast::AlterTableAction as A;
        let node = action.syntax();
        let span = self.span(node);
        let partition = || first_name(node);
        Some(match action {
            A::AddColumn(it) => T::AddColumn(span, self.add_column(it)),
            A::AddConstraint(it) => T::AddConstraint(span, self.add_constraint(it)?),
            A::AlterColumn(it) => T::AlterColumn {
                span,
                column: it.column_name_ref().map(|column| ident(column.syntax())),
                change: it.option().map_or(ColumnChange::Settle, |option| column_change(&option)),
                new_type: it.option().and_then(|option| new_type(&option)),
            },
            A::AlterConstraint(_) => T::AlterConstraint(span),
            A::AttachPartition(_) => T::AttachPartition { span, partition: partition() },
            A::DetachPartition(it) => {
                let concurrently =
                    matches!(it.detach_partition_option(), Some(ast::DetachPartitionOption::DetachConcurrently(_)));
                T::DetachPartition { span, partition: partition(), concurrently }
            }
            A::DisableRls(_) | A::NoForceRls(_) => T::DisableRowSecurity(span),
            A::EnableRls(_) | A::ForceRls(_) => T::EnableRowSecurity(span),
            A::DisableRule(_) => T::DisableRule(span),
            A::DisableTrigger(_) => T::DisableTrigger(span),
            A::EnableAlwaysRule(_) | A::EnableReplicaRule(_) | A::EnableRule(_) => T::EnableRule(span),
            A::EnableAlwaysTrigger(_) | A::EnableReplicaTrigger(_) | A::EnableTrigger(_) => T::EnableTrigger(span),
            A::DropColumn(it) => {
                let column = it.column_name_ref().map(|column| ident(column.syntax()));
                T::DropColumn { span, column, cascade: has_child(node, SyntaxKind::CASCADE) }
            }
            A::DropConstraint(it) => T::DropConstraint {
                span,
                constraint: it.constraint_name_ref().map(|name| ident(name.syntax())),
                cascade: has_child(node, SyntaxKind::CASCADE),
            },
            A::InheritTable(_) => T::Inherit { span, parent: first_name(node) },
            A::NoInheritTable(_) => T::NoInherit { span, parent: first_name(node) },
            A::MergePartitions(_) | A::SplitPartition(_) => T::RearrangePartitions(span),
            A::RenameColumn(_) => T::RenameColumn {
                span,
                column: node.children().find(|child| child.kind() == SyntaxKind::COLUMN_NAME_REF).map(|it| ident(&it)),
                to: node.children().find(|child| child.kind() == SyntaxKind::COLUMN_NAME).map(|it| ident(&it)),
            },
            A::RenameConstraint(_) => {
                let constraint = node.children().find(|child| child.kind() == SyntaxKind::CONSTRAINT_NAME_REF);
                T::RenameConstraint { span, constraint: constraint.map(|it| ident(&it)) }
            }
            A::TableRenameTo(_) => T::RenameTable(span, last_ident(node)),
            A::SetAccessMethod(_) => T::Rewrite(span, Storage::AccessMethod(last_ident(node))),
            A::SetLogged(_) => T::Rewrite(span, Storage::Logged),
            A::SetTablespace(_) => T::Rewrite(span, Storage::Tablespace(last_ident(node))),
            A::SetUnlogged(_) => T::Rewrite(span, Storage::Unlogged),
            A::SetSchema(_) => T::SetSchema(span),
            A::ClusterOn(_) | A::ResetOptions(_) | A::SetOptions(_) | A::SetWithoutCluster(_) => {
                // What logical decoding reads of a table changes for all who write it.
                T::Settle { span, light: !words(node).any(|word| word == "user_catalog_table") }
            }
            A::AlterOptionList(_)
            | A::NotOf(_)
            | A::OfType(_)
            | A::OptionItemList(_)
            | A::OwnerTo(_)
            | A::ReplicaIdentity(_)
            | A::SetWithoutOids(_) => T::Settle { span, light: false },
            A::ValidateConstraint(it) => {
                let constraint = it.constraint_name_ref().map(|name| ident(name.syntax()));
                T::ValidateConstraint { span, constraint }
            }
        })
    }

    fn inner_statements(&self, node: &SyntaxNode) -> Vec<Statement> {
        node.children().filter_map(ast::Stmt::cast).filter_map(|stmt| self.statement(&stmt)).collect()
    }

    /// INSERT, UPDATE, DELETE and MERGE inside the WITH of another statement.
    fn inner_writes(&self, node: &SyntaxNode) -> Vec<Statement> {
        node.descendants()
            .filter(|child| child != node)
            .filter_map(ast::Stmt::cast)
            .filter(|stmt| {
                matches!(stmt, ast::Stmt::Insert(_) | ast::Stmt::Update(_) | ast::Stmt::Delete(_) | ast::Stmt::Merge(_))
            })
            .filter_map(|stmt| self.statement(&stmt))
            .collect()
    }

    /// A write whose WITH writes too becomes a query of all of them.
    fn with_writes(&self, node: &SyntaxNode, own: Sql) -> Sql {
        let mut writes = self.inner_writes(node);
        if writes.is_empty() {
            return own;
        }
        writes.push(Statement { span: self.span(node), sql: own });
        Sql::Query { writes, locks: Vec::new() }
    }
}

fn new_table(name: Option<ObjectName>, node: &SyntaxNode) -> CreateTable {
    CreateTable {
        name,
        temporary: has_child(node, SyntaxKind::TEMP),
        if_not_exists: has_child(node, SyntaxKind::IF_NOT_EXISTS),
        partition_of: None,
        parents: Vec::new(),
        references: Vec::new(),
        partitioned: false,
        columns: Vec::new(),
        keys: Vec::new(),
        foreign_keys: Vec::new(),
    }
}

/// The function that an expression calls, when it is a call and nothing else.
fn called_name(expr: &SyntaxNode) -> Option<String> {
    let call = expr.descendants().find(|it| it.kind() == SyntaxKind::CALL_EXPR)?;
    let is_all = tokens(expr).filter(|it| !is_trivia(it)).count() == tokens(&call).filter(|it| !is_trivia(it)).count();
    let callee = is_all.then(|| call.children().next()).flatten()?;
    object_name(&callee).map(|name| name.name.to_string())
}

/// What the server calls an index's expression when it makes up a name (`FigureIndexColname`).
fn called(expr: &SyntaxNode) -> Ident {
    let inner = |node: &SyntaxNode| node.children().next().map(|child| called(&child));
    let name = match expr.kind() {
        SyntaxKind::NAME_REF => Some(ident(expr)),
        SyntaxKind::CALL_EXPR => expr.children().next().and_then(|callee| object_name(&callee)).map(|it| it.name),
        SyntaxKind::FIELD_EXPR => object_name(expr).map(|it| it.name),
        SyntaxKind::PAREN_EXPR | SyntaxKind::CAST_EXPR => inner(expr),
        _ => None,
    };
    name.unwrap_or_else(|| Ident::from_source("expr"))
}

fn add_column(it: &ast::AddColumn) -> AddColumn {
    let node = it.syntax();
    let has = |kind| node.children().any(|child| child.kind() == kind);
    let default = it.constraints().find_map(|constraint| match constraint {
        ast::Constraint::DefaultConstraint(default) => default.expr(),
        _ => None,
    });
    let type_name = it.ty().map(|ty| ty.syntax().text().to_string().to_lowercase()).unwrap_or_default();
    let serial = is_serial(&type_name);
    let within = |kind| node.descendants().any(|child| child.kind() == kind);
    let identity = within(SyntaxKind::GENERATED_IDENTITY);
    let generated = has(SyntaxKind::GENERATED_CONSTRAINT);
    let references = node
        .children()
        .find(|child| child.kind() == SyntaxKind::REFERENCES_CONSTRAINT)
        .and_then(|child| names_of(&child, SyntaxKind::TABLE_NAME_REF).into_iter().next());
    AddColumn {
        column: it.column_name().map(|name| ident(name.syntax())),
        if_not_exists: it.if_not_exists().is_some(),
        not_null: has(SyntaxKind::NOT_NULL_CONSTRAINT) || has(SyntaxKind::PRIMARY_KEY_CONSTRAINT),
        has_default: default.is_some() || serial,
        default_calls: default.as_ref().map(|expr| calls_of(expr.syntax())).unwrap_or_default(),
        type_name,
        type_span: None,
        default_may_be_volatile: default.as_ref().is_some_and(|expr| may_be_volatile(expr.syntax())),
        fills_every_row: serial || identity || within(SyntaxKind::STORED),
        stored: within(SyntaxKind::STORED),
        generated,
        unique: has(SyntaxKind::UNIQUE_CONSTRAINT) || has(SyntaxKind::PRIMARY_KEY_CONSTRAINT),
        checked: has(SyntaxKind::CHECK_CONSTRAINT),
        references,
        clauses: Vec::new(),
    }
}

fn is_serial(type_name: &str) -> bool {
    ["serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"].contains(&type_name)
}

/// A default that calls anything but the well-known functions that are stable within a transaction.
/// Without the catalog a user's function counts as volatile: the manual's default for functions.
fn may_be_volatile(expr: &SyntaxNode) -> bool {
    const NOT_VOLATILE: [&str; 12] = [
        "now",
        "transaction_timestamp",
        "statement_timestamp",
        "current_setting",
        "lower",
        "upper",
        "coalesce",
        "jsonb_build_object",
        "json_build_object",
        "make_interval",
        "to_jsonb",
        "date_trunc",
    ];
    let calls = std::iter::once(expr.clone()).chain(expr.descendants()).filter(|it| it.kind() == SyntaxKind::CALL_EXPR);
    calls.filter_map(|call| call.children().next()).any(|callee| {
        !NOT_VOLATILE.contains(&callee.text().to_string().to_lowercase().trim_start_matches("pg_catalog."))
    })
}

fn add_constraint(it: &ast::AddConstraint) -> Option<AddConstraint> {
    let constraint = it.constraint()?;
    let node = constraint.syntax();
    let kind = match &constraint {
        ast::Constraint::CheckConstraint(_) => ConstraintKind::Check,
        ast::Constraint::ExcludeConstraint(_) => ConstraintKind::Exclude,
        ast::Constraint::ForeignKeyConstraint(_) | ast::Constraint::ReferencesConstraint(_) => {
            ConstraintKind::ForeignKey
        }
        ast::Constraint::NotNullConstraint(_) => ConstraintKind::NotNull,
        ast::Constraint::PrimaryKeyConstraint(_) => ConstraintKind::PrimaryKey,
        ast::Constraint::UniqueConstraint(_) => ConstraintKind::Unique,
        // ADD DEFAULT, ADD GENERATED and ADD NULL are no table constraints; the server refuses them.
        ast::Constraint::DefaultConstraint(_)
        | ast::Constraint::GeneratedConstraint(_)
        | ast::Constraint::NullConstraint(_) => return None,
    };
    let descendants = |wanted: SyntaxKind| node.descendants().filter(move |child| child.kind() == wanted);
    let idents = |wanted| descendants(wanted).map(|it| ident(&it)).collect::<Vec<_>>();
    let columns = match kind {
        ConstraintKind::ForeignKey => descendants(SyntaxKind::FOREIGN_KEY_COLUMN_LIST)
            .next()
            .map(|list| list.children().map(|column| ident(&column)).collect())
            .unwrap_or_default(),
        // The callee of a call is a NAME_REF too, and no column.
        ConstraintKind::Check => descendants(SyntaxKind::NAME_REF).filter(is_no_callee).map(|it| ident(&it)).collect(),
        ConstraintKind::NotNull | ConstraintKind::PrimaryKey | ConstraintKind::Unique => {
            idents(SyntaxKind::COLUMN_NAME_REF)
        }
        ConstraintKind::Exclude => Vec::new(),
    };
    Some(AddConstraint {
        kind,
        name: descendants(SyntaxKind::CONSTRAINT_NAME).next().map(|it| ident(&it)),
        columns,
        not_valid: descendants(SyntaxKind::NOT_VALID).next().is_some(),
        not_null_of: match &constraint {
            ast::Constraint::CheckConstraint(check) => check.expr().and_then(|expr| not_null_of(expr.syntax())),
            _ => None,
        },
        no_inherit: descendants(SyntaxKind::NO_INHERIT).next().is_some(),
        using_index: descendants(SyntaxKind::USING_INDEX_NAME).next().is_some(),
        not_enforced: descendants(SyntaxKind::NOT_ENFORCED).next().is_some(),
        references: names_of(node, SyntaxKind::TABLE_NAME_REF).into_iter().next(),
        span: Span::new(0, 0),
        key: None,
    })
}

/// The column of `column IS NOT NULL`, parentheses around it or not.
fn not_null_of(expr: &SyntaxNode) -> Option<Ident> {
    let words: Vec<String> = words(expr).filter(|word| word != "(" && word != ")").collect();
    let is_test = words.len() == 4 && words[1..] == ["is", "not", "null"];
    let name = expr.descendants().find(|child| child.kind() == SyntaxKind::NAME_REF)?;
    is_test.then(|| ident(&name))
}

/// The functions that an expression calls, without their schemas.
fn calls_of(expr: &SyntaxNode) -> Vec<Ident> {
    let calls = std::iter::once(expr.clone()).chain(expr.descendants()).filter(|it| it.kind() == SyntaxKind::CALL_EXPR);
    calls
        .filter_map(|call| call.children().next())
        .filter_map(|callee| object_name(&callee))
        .map(|it| it.name)
        .collect()
}

fn lock_mode(mode: &ast::LockMode) -> LockMode {
    use ast::LockMode as M;
    match mode {
        M::AccessExclusive(_) => LockMode::AccessExclusive,
        M::AccessShare(_) => LockMode::AccessShare,
        M::Exclusive(_) => LockMode::Exclusive,
        M::RowExclusive(_) => LockMode::RowExclusive,
        M::RowShare(_) => LockMode::RowShare,
        M::Share(_) => LockMode::Share,
        M::ShareRowExclusive(_) => LockMode::ShareRowExclusive,
        M::ShareUpdateExclusive(_) => LockMode::ShareUpdateExclusive,
    }
}

/// The tables of TRUNCATE and LOCK.
fn table_refs(node: &SyntaxNode) -> Vec<TableRef> {
    let is_ref = |kind| matches!(kind, SyntaxKind::RELATION_NAME | SyntaxKind::TABLE_RELATION_NAME);
    let table_ref = |it: SyntaxNode| {
        let only = it.children_with_tokens().any(|child| child.kind() == SyntaxKind::ONLY_KW);
        Some(TableRef { name: first_name(&it)?, only })
    };
    node.descendants().filter(|child| is_ref(child.kind())).filter_map(table_ref).collect()
}

/// The tables whose rows a query's own FOR UPDATE locks; OF names them by their alias.
fn row_locks(node: &SyntaxNode) -> Vec<ObjectName> {
    let clauses: Vec<_> = node.children().filter(|child| child.kind() == SyntaxKind::LOCKING_CLAUSE).collect();
    let named = |clause: &SyntaxNode| {
        let of = clause.children().find(|child| child.kind() == SyntaxKind::LOCKING_OF);
        of.map(|of| of.children().map(|name| ident(&name)).collect::<Vec<_>>())
    };
    if clauses.is_empty() {
        return Vec::new();
    }
    let wanted: Vec<_> = clauses.iter().map(named).collect();
    let items = node.children().filter(|child| child.kind() == SyntaxKind::FROM_CLAUSE).flat_map(|from| {
        from.descendants().filter(|it| it.kind() == SyntaxKind::RELATION_FROM_ITEM).collect::<Vec<_>>()
    });
    items
        .filter_map(|item| {
            let name = first_name(&item)?;
            let alias = item.descendants().find(|it| it.kind() == SyntaxKind::TABLE_ALIAS).map(|it| ident(&it));
            let called = alias.unwrap_or_else(|| name.name.clone());
            let is_wanted = |of: &Option<Vec<Ident>>| of.as_ref().is_none_or(|of| of.contains(&called));
            wanted.iter().any(is_wanted).then_some(name)
        })
        .collect()
}

/// The table or view that a comment, or a comment on a column, is about.
fn commented(node: &SyntaxNode) -> Option<ObjectName> {
    let object = node.children().next()?;
    let name = first_name(&object)?;
    match object.kind() {
        SyntaxKind::OBJECT_TABLE
        | SyntaxKind::OBJECT_VIEW
        | SyntaxKind::OBJECT_MATERIALIZED_VIEW
        | SyntaxKind::OBJECT_FOREIGN_TABLE => Some(name),
        SyntaxKind::OBJECT_COLUMN => {
            let path: String = tokens(&object.children().next()?)
                .filter(|token| !is_trivia(token))
                .map(|it| it.text().to_owned())
                .collect();
            ObjectName::from_source(path.rsplit_once('.')?.0)
        }
        _ => None,
    }
}

/// The name at a node's end: `None` for DEFAULT.
fn last_ident(node: &SyntaxNode) -> Option<Ident> {
    let last = tokens(node).filter(|token| !is_trivia(token)).last()?;
    (last.kind() != SyntaxKind::DEFAULT_KW).then(|| Ident::from_source(last.text()))
}

fn new_type(option: &ast::AlterColumnOption) -> Option<NewType> {
    let ast::AlterColumnOption::SetType(it) = option else { return None };
    let name = it.ty()?.syntax().text().to_string().to_lowercase();
    let collates = has_child(it.syntax(), SyntaxKind::COLLATE);
    Some(NewType { name, converts: it.using_expr().is_some(), collates })
}

fn is_no_callee(name: &SyntaxNode) -> bool {
    let first_of_call =
        name.parent().filter(|parent| parent.kind() == SyntaxKind::CALL_EXPR).and_then(|call| call.children().next());
    first_of_call.as_ref() != Some(name)
}

fn column_change(option: &ast::AlterColumnOption) -> ColumnChange {
    use ast::AlterColumnOption as A;
    match option {
        A::AddGenerated(_) => ColumnChange::AddIdentity,
        A::DropDefault(_) => ColumnChange::DropDefault,
        A::DropExpression(_) => ColumnChange::DropExpression,
        A::DropIdentity(_) => ColumnChange::DropIdentity,
        A::DropNotNull(_) => ColumnChange::DropNotNull,
        A::SetDefault(_) => ColumnChange::SetDefault,
        A::SetExpression(_) => ColumnChange::SetExpression,
        A::Restart(_) | A::SetGenerated(_) | A::SetGeneratedOptions(_) | A::SetSequenceOption(_) => {
            ColumnChange::SetIdentity
        }
        A::SetNotNull(_) => ColumnChange::SetNotNull,
        A::SetStatistics(_) => ColumnChange::SetStatistics,
        A::Inherit(_) | A::NoInherit(_) | A::SetCompression(_) => ColumnChange::Settle,
        A::SetStorage(_) => ColumnChange::SetStorage,
        A::ResetOptions(_) | A::SetOptions(_) | A::SetOptionsList(_) => ColumnChange::SetOptions,
        A::SetType(_) => ColumnChange::SetType,
    }
}

fn type_change(action: &ast::AlterTypeAction) -> ObjectChange {
    use ast::AlterTypeAction as A;
    match action {
        A::AddValue(_) => ObjectChange::Adds,
        A::AlterTypeAttributeActionList(list) => {
            let only_adds = list.syntax().children().all(|it| it.kind() == SyntaxKind::ADD_ATTRIBUTE);
            if only_adds { ObjectChange::Adds } else { ObjectChange::Removes }
        }
        A::RenameAttribute(_) | A::RenameValue(_) => ObjectChange::Removes,
        A::SetSchema(_) | A::TypeRenameTo(_) => ObjectChange::Renames,
        A::OwnerTo(_) | A::SetOptions(_) => ObjectChange::Settles,
    }
}

fn domain_change(action: &ast::AlterDomainAction) -> ObjectChange {
    use ast::AlterDomainAction as A;
    match action {
        A::AddConstraint(_) | A::SetNotNull(_) => ObjectChange::Narrows,
        A::DomainRenameTo(_) | A::SetSchema(_) => ObjectChange::Renames,
        A::DropDefault(_) => ObjectChange::Removes,
        A::DropConstraint(_)
        | A::DropNotNull(_)
        | A::OwnerTo(_)
        | A::RenameConstraint(_)
        | A::SetDefault(_)
        | A::ValidateConstraint(_) => ObjectChange::Settles,
    }
}

fn publication_change(action: &ast::AlterPublicationAction) -> ObjectChange {
    use ast::AlterPublicationAction as A;
    match action {
        A::AddPublicationObjects(_) => ObjectChange::Adds,
        A::DropPublicationObjects(_) | A::SetAllPublicationObjectList(_) | A::SetPublicationObjects(_) => {
            ObjectChange::Removes
        }
        A::PublicationRenameTo(_) => ObjectChange::Renames,
        A::OwnerTo(_) | A::SetOptions(_) => ObjectChange::Settles,
    }
}

/// What ALTER does to an object whose actions need no telling apart beyond this.
/// The grammar names its rename nodes after the object (`VIEW_RENAME_TO`), hence the look at the name.
fn change_of(node: &SyntaxNode) -> ObjectChange {
    let kinds: Vec<String> = node.children().map(|child| format!("{:?}", child.kind())).collect();
    let any = |test: &dyn Fn(&str) -> bool| kinds.iter().any(|kind| test(kind));
    if any(&|kind| kind.ends_with("RENAME_TO") || kind == "SET_SCHEMA" || kind == "RENAME_COLUMN") {
        ObjectChange::Renames
    } else if any(&|kind| kind.starts_with("DROP_")) {
        ObjectChange::Removes
    } else if any(&|kind| kind.starts_with("ADD_") || kind == "ATTACH_INDEX_PARTITION") {
        ObjectChange::Adds
    } else {
        ObjectChange::Settles
    }
}

fn copy(it: &ast::Copy) -> Sql {
    match it.copy_direction() {
        Some(ast::CopyDirection::CopyFrom(from)) => {
            let from_client = matches!(from.copy_source(), Some(ast::CopySource::CopyStdin(_)));
            Sql::CopyFrom { table: it.copy_table().as_ref().and_then(|table| first_name(table.syntax())), from_client }
        }
        Some(ast::CopyDirection::CopyTo(_)) | None => Sql::CopyTo,
    }
}

fn reindex(it: &ast::Reindex) -> Sql {
    let target = match it.reindex_target() {
        Some(ast::ReindexTarget::ReindexTargetIndex(target)) => ReindexTarget::Index(first_name(target.syntax())),
        Some(ast::ReindexTarget::ReindexTargetTable(target)) => ReindexTarget::Table(first_name(target.syntax())),
        Some(ast::ReindexTarget::ReindexTargetSchema(_)) => ReindexTarget::Schema,
        Some(ast::ReindexTarget::ReindexTargetDatabase(_) | ast::ReindexTarget::ReindexTargetSystem(_)) | None => {
            ReindexTarget::Database
        }
    };
    let concurrently = tokens(it.syntax()).any(|token| token.kind() == SyntaxKind::CONCURRENTLY_KW);
    Sql::Reindex { target, concurrently }
}

// ── reading nodes ──────────────────────────────────────────────────────────────────────────────

fn tokens(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> {
    node.descendants_with_tokens().filter_map(SyntaxElement::into_token)
}

fn is_trivia(token: &SyntaxToken) -> bool {
    matches!(token.kind(), SyntaxKind::WHITESPACE | SyntaxKind::COMMENT)
}

fn has_child(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.children().any(|child| child.kind() == kind)
}

fn has_token(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    tokens(node).any(|token| token.kind() == kind)
}

/// SET [LOCAL | SESSION] name TO value, SET TIME ZONE value, RESET name. `None` for what sets no parameter.
fn setting(node: &SyntaxNode) -> Option<Setting> {
    let mut words = words(node).filter(|word| word != ";").peekable();
    let resets = words.next()? == "reset";
    words.next_if(|word| word == "local" || word == "session");
    let mut name = words.next()?;
    match name.as_str() {
        "time" if words.next_if(|word| word == "zone").is_some() => "timezone".clone_into(&mut name),
        "catalog" | "schema" | "xml" if words.peek().is_some_and(|word| word != "." && word != "=" && word != "to") => {
            return None;
        }
        _ => {}
    }
    while words.next_if(|word| word == ".").is_some() {
        name = format!("{name}.{}", words.next()?);
    }
    words.next_if(|word| word == "=" || word == "to");
    let value: String = words.collect::<Vec<_>>().join(" ");
    let is_none = resets || value.is_empty() || value == "default" || value == "from current";
    let value = (!is_none).then(|| value.trim_matches('\'').to_owned());
    Some(Setting { name, value })
}

fn words(node: &SyntaxNode) -> impl Iterator<Item = String> {
    tokens(node).filter(|token| !is_trivia(token)).map(|token| token.text().to_lowercase())
}

/// The identifier a node consists of.
fn ident(node: &SyntaxNode) -> Ident {
    let text: String = tokens(node).filter(|token| !is_trivia(token)).map(|token| token.text().to_owned()).collect();
    Ident::from_source(&text)
}

fn object_name(node: &SyntaxNode) -> Option<ObjectName> {
    let text: String = tokens(node).filter(|token| !is_trivia(token)).map(|token| token.text().to_owned()).collect();
    ObjectName::from_source(&text)
}

/// Whether a node is a name, or a reference to one, of an object.
fn is_name(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::PATH
            | SyntaxKind::PATH_REF
            | SyntaxKind::EXTENSION
            | SyntaxKind::EXTENSION_REF
            | SyntaxKind::POLICY
            | SyntaxKind::POLICY_REF
            | SyntaxKind::PUBLICATION
            | SyntaxKind::PUBLICATION_REF
            | SyntaxKind::ROLE_NAME_REF
            | SyntaxKind::RULE
            | SyntaxKind::RULE_REF
            | SyntaxKind::SCHEMA
            | SyntaxKind::SCHEMA_REF
            | SyntaxKind::TRIGGER
            | SyntaxKind::TRIGGER_REF
    )
}

/// The first object named anywhere below a node.
fn first_name(node: &SyntaxNode) -> Option<ObjectName> {
    node.descendants().find(|child| is_name(child.kind())).and_then(|child| object_name(&child))
}

/// The table that UPDATE and DELETE write, which stands after their WITH.
fn target_table(node: &SyntaxNode) -> Option<ObjectName> {
    node.children().find(|child| child.kind() == SyntaxKind::RELATION_NAME).as_ref().and_then(first_name)
}

/// The names held by all nodes of one kind below a node.
fn names_of(node: &SyntaxNode, kind: SyntaxKind) -> Vec<ObjectName> {
    node.descendants().filter(|child| child.kind() == kind).filter_map(|child| object_name(&child)).collect()
}

/// The objects a DROP lists: one for each child, arguments of functions and the ON table left out.
fn dropped_names(node: &SyntaxNode) -> Vec<ObjectName> {
    let listed = |kind| matches!(kind, SyntaxKind::FUNCTION_SIG | SyntaxKind::PROCEDURE_SIG | SyntaxKind::AGGREGATE);
    let signatures: Vec<_> = node.descendants().filter(|child| listed(child.kind())).collect();
    if !signatures.is_empty() {
        return signatures.iter().filter_map(first_name).collect();
    }
    node.children()
        .filter(|child| !matches!(child.kind(), SyntaxKind::ON_RELATION | SyntaxKind::ON_TABLE))
        .filter_map(|child| first_name(&child))
        .collect()
}

/// The table of CREATE or DROP TRIGGER, POLICY and RULE.
fn on_table(node: &SyntaxNode) -> Option<ObjectName> {
    let is_on = |kind| matches!(kind, SyntaxKind::ON_RELATION | SyntaxKind::ON_TABLE | SyntaxKind::RULE_ON);
    let on = node.children().find(|child| is_on(child.kind()))?;
    on.descendants().find(|child| child.kind() == SyntaxKind::PATH_REF).and_then(|path| object_name(&path))
}
