//! One SQL statement, in the words that the classifier needs.
//!
//! This is a model of effects-to-be, not a full syntax tree: what no decision depends on is left out.

use super::{Body, CreateRoutine, Ident, ObjectName, Setting};
use crate::model::{LockMode, Span};

/// One statement of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// From the first token to the last, the semicolon not included.
    pub span: Span,
    pub sql: Sql,
}

/// What a statement is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sql {
    AlterTable(AlterTable),
    /// ALTER of anything but a table.
    Alter {
        object: ObjectKind,
        name: Option<ObjectName>,
        change: ObjectChange,
        /// The table of a trigger, rule or policy, and those that a publication names.
        tables: Vec<ObjectName>,
        /// Whether it is done without a look at the rows: NOT VALID.
        not_valid: bool,
    },
    Analyze {
        tables: Vec<ObjectName>,
    },
    /// CALL of a procedure: what it does cannot be read.
    Call,
    Cluster {
        table: Option<ObjectName>,
    },
    /// COMMENT; `on` is the table or view that it, or whose column, is about.
    Comment {
        on: Option<ObjectName>,
    },
    /// COPY … FROM. `from_client` is FROM STDIN, whose data psql would send.
    CopyFrom {
        table: Option<ObjectName>,
        from_client: bool,
    },
    CopyTo,
    /// CREATE of anything but a table or an index; `on` is the table of a trigger, rule or policy.
    Create {
        object: ObjectKind,
        name: Option<ObjectName>,
        on: Option<ObjectName>,
        or_replace: bool,
        /// The tables that a publication or a statistics object names.
        tables: Vec<ObjectName>,
    },
    CreateIndex(CreateIndex),
    CreateTable(CreateTable),
    Delete {
        table: Option<ObjectName>,
        filtered: bool,
    },
    CreateRoutine(CreateRoutine),
    Do(Body),
    Drop(Drop),
    /// EXPLAIN ANALYZE runs its statement; plain EXPLAIN does not and holds none.
    Explain {
        runs: Vec<Statement>,
    },
    Grant,
    Insert {
        table: Option<ObjectName>,
    },
    Lock {
        tables: Vec<TableRef>,
        mode: LockMode,
    },
    Merge {
        table: Option<ObjectName>,
        deletes: bool,
    },
    /// SELECT, VALUES, TABLE; `writes` are data-modifying parts of its WITH.
    Query {
        writes: Vec<Statement>,
        /// The tables whose rows it locks: FOR UPDATE and its kin.
        locks: Vec<ObjectName>,
    },
    Refresh {
        view: Option<ObjectName>,
        concurrently: bool,
        /// WITH NO DATA: the view is emptied.
        empties: bool,
        /// Where CONCURRENTLY would stand.
        after_view: usize,
    },
    Reindex {
        target: ReindexTarget,
        concurrently: bool,
    },
    Revoke,
    /// SET ROLE, cursors, prepared statements, LISTEN …: nothing that outlives the session.
    Session,
    /// SET and RESET of a parameter.
    Set(Setting),
    Transaction(TransactionControl),
    Truncate {
        tables: Vec<TableRef>,
        cascade: bool,
    },
    Update {
        table: Option<ObjectName>,
        filtered: bool,
    },
    Vacuum {
        full: bool,
        tables: Vec<ObjectName>,
    },
}

/// A table, and whether ONLY leaves out what inherits from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRef {
    pub name: ObjectName,
    pub only: bool,
}

/// The objects that CREATE, ALTER and DROP name, other than tables and indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    AccessMethod,
    Aggregate,
    Cast,
    Collation,
    Conversion,
    Database,
    DefaultPrivileges,
    Domain,
    EventTrigger,
    Extension,
    ForeignDataWrapper,
    ForeignSchema,
    ForeignTable,
    Function,
    Index,
    Language,
    LargeObject,
    MaterializedView,
    Operator,
    OperatorClass,
    OperatorFamily,
    Owned,
    Policy,
    Procedure,
    PropertyGraph,
    Publication,
    Role,
    Routine,
    Rule,
    Schema,
    Sequence,
    Server,
    Statistics,
    Subscription,
    System,
    Table,
    Tablespace,
    TextSearchConfiguration,
    TextSearchDictionary,
    TextSearchParser,
    TextSearchTemplate,
    Transform,
    Trigger,
    Type,
    UserMapping,
    View,
}

impl ObjectKind {
    /// Whether the SQL of an application names it. Indexes, statistics, triggers and policies work
    /// under any name.
    pub const fn is_named_in_queries(self) -> bool {
        !matches!(self, Self::Index | Self::Statistics | Self::Trigger | Self::Policy)
    }

    /// The SQL keywords, as after CREATE or DROP.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessMethod => "ACCESS METHOD",
            Self::Aggregate => "AGGREGATE",
            Self::Cast => "CAST",
            Self::Collation => "COLLATION",
            Self::Conversion => "CONVERSION",
            Self::Database => "DATABASE",
            Self::DefaultPrivileges => "DEFAULT PRIVILEGES",
            Self::Domain => "DOMAIN",
            Self::EventTrigger => "EVENT TRIGGER",
            Self::Extension => "EXTENSION",
            Self::ForeignDataWrapper => "FOREIGN DATA WRAPPER",
            Self::ForeignSchema => "FOREIGN SCHEMA",
            Self::ForeignTable => "FOREIGN TABLE",
            Self::Function => "FUNCTION",
            Self::Index => "INDEX",
            Self::Language => "LANGUAGE",
            Self::LargeObject => "LARGE OBJECT",
            Self::MaterializedView => "MATERIALIZED VIEW",
            Self::Operator => "OPERATOR",
            Self::OperatorClass => "OPERATOR CLASS",
            Self::OperatorFamily => "OPERATOR FAMILY",
            Self::Owned => "OWNED",
            Self::Policy => "POLICY",
            Self::Procedure => "PROCEDURE",
            Self::PropertyGraph => "PROPERTY GRAPH",
            Self::Publication => "PUBLICATION",
            Self::Role => "ROLE",
            Self::Routine => "ROUTINE",
            Self::Rule => "RULE",
            Self::Schema => "SCHEMA",
            Self::Sequence => "SEQUENCE",
            Self::Server => "SERVER",
            Self::Statistics => "STATISTICS",
            Self::Subscription => "SUBSCRIPTION",
            Self::System => "SYSTEM",
            Self::Table => "TABLE",
            Self::Tablespace => "TABLESPACE",
            Self::TextSearchConfiguration => "TEXT SEARCH CONFIGURATION",
            Self::TextSearchDictionary => "TEXT SEARCH DICTIONARY",
            Self::TextSearchParser => "TEXT SEARCH PARSER",
            Self::TextSearchTemplate => "TEXT SEARCH TEMPLATE",
            Self::Transform => "TRANSFORM",
            Self::Trigger => "TRIGGER",
            Self::Type => "TYPE",
            Self::UserMapping => "USER MAPPING",
            Self::View => "VIEW",
        }
    }
}

/// What ALTER does to an object that is no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectChange {
    /// ALTER TYPE … ADD VALUE, ADD ATTRIBUTE, ALTER PUBLICATION … ADD, ATTACH PARTITION.
    Adds,
    /// A constraint on a domain, SET NOT NULL: values that were accepted no longer are.
    Narrows,
    /// RENAME, SET SCHEMA: the old name no longer works.
    Renames,
    /// DROP ATTRIBUTE, RENAME VALUE, DROP DEFAULT, ALTER ATTRIBUTE TYPE: something used may be gone.
    Removes,
    /// Owner, options, settings, a constraint loosened.
    Settles,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateTable {
    pub name: Option<ObjectName>,
    pub temporary: bool,
    pub if_not_exists: bool,
    pub partition_of: Option<ObjectName>,
    /// INHERITS.
    pub parents: Vec<ObjectName>,
    /// Tables that foreign keys of the new table point at.
    pub references: Vec<ObjectName>,
    /// PARTITION BY: it holds its rows in partitions.
    pub partitioned: bool,
    pub columns: Vec<ColumnDefinition>,
    /// The columns of each PRIMARY KEY and UNIQUE constraint, for each of which there is an index.
    pub keys: Vec<Vec<Ident>>,
    /// The columns of each foreign key.
    pub foreign_keys: Vec<Vec<Ident>>,
}

/// One column of CREATE TABLE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDefinition {
    pub span: Span,
    pub name: Ident,
    /// As it is written, in lower case; empty in CREATE TABLE … OF.
    pub type_name: String,
    pub type_span: Option<Span>,
    /// NOT NULL or PRIMARY KEY.
    pub not_null: bool,
    /// DEFAULT, serial, IDENTITY or GENERATED.
    pub has_default: bool,
    pub primary_key: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateIndex {
    pub name: Option<ObjectName>,
    pub table: Option<ObjectName>,
    pub unique: bool,
    pub concurrently: bool,
    pub if_not_exists: bool,
    /// ON ONLY: the index of a partitioned table alone, without its partitions.
    pub only: bool,
    /// The plain columns of the key, expressions left out.
    pub columns: Vec<Ident>,
    /// What the server calls the key's and INCLUDE's columns when it makes up a name for the index.
    pub named_after: Vec<Ident>,
    pub anchors: IndexAnchors,
}

/// Where the parts of CREATE INDEX stand, for whoever writes it anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexAnchors {
    /// Right behind INDEX.
    pub after_index: usize,
    /// Where ON begins.
    pub on: usize,
    /// From the access method to the end.
    pub definition: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drop {
    pub object: ObjectKind,
    pub names: Vec<ObjectName>,
    /// The table of a trigger, rule or policy.
    pub on: Option<ObjectName>,
    pub if_exists: bool,
    pub cascade: bool,
    pub concurrently: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterTable {
    pub table: Option<ObjectName>,
    /// ONLY: without the tables that inherit.
    pub only: bool,
    pub actions: Vec<AlterTableAction>,
}

/// One action of ALTER TABLE, with its own span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlterTableAction {
    AddColumn(Span, AddColumn),
    AddConstraint(Span, AddConstraint),
    AlterColumn {
        span: Span,
        column: Option<Ident>,
        change: ColumnChange,
        /// The type as it is written, when it changes.
        new_type: Option<NewType>,
    },
    AlterConstraint(Span),
    AttachPartition {
        span: Span,
        partition: Option<ObjectName>,
    },
    DetachPartition {
        span: Span,
        partition: Option<ObjectName>,
        concurrently: bool,
    },
    DisableRowSecurity(Span),
    DisableRule(Span),
    DisableTrigger(Span),
    DropColumn {
        span: Span,
        column: Option<Ident>,
        cascade: bool,
    },
    DropConstraint {
        span: Span,
        constraint: Option<Ident>,
        cascade: bool,
    },
    EnableRowSecurity(Span),
    EnableRule(Span),
    EnableTrigger(Span),
    Inherit {
        span: Span,
        parent: Option<ObjectName>,
    },
    NoInherit {
        span: Span,
        parent: Option<ObjectName>,
    },
    /// MERGE or SPLIT PARTITION (PostgreSQL 19).
    RearrangePartitions(Span),
    RenameColumn {
        span: Span,
        column: Option<Ident>,
        to: Option<Ident>,
    },
    RenameConstraint {
        span: Span,
        constraint: Option<Ident>,
    },
    /// With its new name.
    RenameTable(Span, Option<Ident>),
    /// The whole table is copied, unless it is so already.
    Rewrite(Span, Storage),
    SetSchema(Span),
    /// Owner, storage parameters, replica identity, cluster mark, OF type.
    Settle {
        span: Span,
        light: bool,
    },
    ValidateConstraint {
        span: Span,
        constraint: Option<Ident>,
    },
}

/// How and where a table is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// `None` is SET ACCESS METHOD DEFAULT.
    AccessMethod(Option<Ident>),
    Logged,
    Tablespace(Option<Ident>),
    Unlogged,
}

impl AlterTableAction {
    pub const fn span(&self) -> Span {
        match self {
            Self::AddColumn(span, _)
            | Self::AddConstraint(span, _)
            | Self::AlterColumn { span, .. }
            | Self::AlterConstraint(span)
            | Self::AttachPartition { span, .. }
            | Self::DetachPartition { span, .. }
            | Self::DisableRowSecurity(span)
            | Self::DisableRule(span)
            | Self::DisableTrigger(span)
            | Self::DropColumn { span, .. }
            | Self::DropConstraint { span, .. }
            | Self::EnableRowSecurity(span)
            | Self::EnableRule(span)
            | Self::EnableTrigger(span)
            | Self::Inherit { span, .. }
            | Self::NoInherit { span, .. }
            | Self::RearrangePartitions(span)
            | Self::RenameColumn { span, .. }
            | Self::RenameConstraint { span, .. }
            | Self::RenameTable(span, _)
            | Self::Rewrite(span, _)
            | Self::SetSchema(span)
            | Self::Settle { span, .. }
            | Self::ValidateConstraint { span, .. } => *span,
        }
    }
}

/// ALTER COLUMN … TYPE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewType {
    pub name: String,
    /// USING: each value is computed anew.
    pub converts: bool,
    /// COLLATE: indexes over it are built anew.
    pub collates: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddColumn {
    pub column: Option<Ident>,
    pub if_not_exists: bool,
    pub not_null: bool,
    pub has_default: bool,
    /// The functions that the default calls.
    pub default_calls: Vec<Ident>,
    /// The default calls something other than a stable function of the transaction such as `now()`.
    pub default_may_be_volatile: bool,
    /// As it is written, in lower case.
    pub type_name: String,
    pub type_span: Option<Span>,
    /// serial, IDENTITY or GENERATED … STORED: every row is written.
    pub fills_every_row: bool,
    /// GENERATED … STORED.
    pub stored: bool,
    pub generated: bool,
    pub unique: bool,
    pub checked: bool,
    pub references: Option<ObjectName>,
    /// The constraints and the default, in order.
    pub clauses: Vec<ColumnClause>,
}

/// A constraint or default within a column's definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnClause {
    pub kind: ColumnClauseKind,
    pub name: Option<Ident>,
    /// All of it.
    pub span: Span,
    /// Without `CONSTRAINT name`.
    pub body: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnClauseKind {
    Check,
    Default,
    Generated,
    NotNull,
    Null,
    PrimaryKey,
    References,
    Unique,
    /// What the server refuses on a column.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddConstraint {
    pub kind: ConstraintKind,
    pub name: Option<Ident>,
    /// The columns it names; empty when they cannot be told.
    pub columns: Vec<Ident>,
    pub not_valid: bool,
    /// The column of CHECK (column IS NOT NULL), which lets SET NOT NULL skip its scan.
    pub not_null_of: Option<Ident>,
    pub no_inherit: bool,
    pub using_index: bool,
    /// NOT ENFORCED (PostgreSQL 18): nothing is checked, now or later.
    pub not_enforced: bool,
    pub references: Option<ObjectName>,
    /// From CONSTRAINT, or its kind, to its end.
    pub span: Span,
    /// Where the parts of UNIQUE and PRIMARY KEY stand.
    pub key: Option<KeyAnchors>,
}

/// Where the parts of a UNIQUE or PRIMARY KEY constraint stand, for whoever writes its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyAnchors {
    /// The columns with their parentheses.
    pub columns: Span,
    pub include: Option<Span>,
    pub nulls: Option<Span>,
    pub with: Option<Span>,
    pub tablespace: Option<Span>,
    /// DEFERRABLE and INITIALLY DEFERRED.
    pub options: Option<Span>,
    /// WITHOUT OVERLAPS (PostgreSQL 18): no plain unique index can carry it.
    pub over_time: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConstraintKind {
    Check,
    Exclude,
    ForeignKey,
    NotNull,
    PrimaryKey,
    Unique,
}

/// ALTER TABLE … ALTER COLUMN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnChange {
    AddIdentity,
    DropDefault,
    DropExpression,
    DropIdentity,
    DropNotNull,
    SetDefault,
    SetExpression,
    /// SET GENERATED, RESTART and sequence options of an identity column.
    SetIdentity,
    SetNotNull,
    /// SET (…), RESET (…).
    SetOptions,
    SetStatistics,
    SetStorage,
    /// Compression.
    Settle,
    SetType,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReindexTarget {
    Index(Option<ObjectName>),
    Table(Option<ObjectName>),
    Schema,
    /// REINDEX DATABASE or SYSTEM.
    Database,
}

/// BEGIN, COMMIT and their kin inside a migration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransactionControl {
    /// BEGIN or START TRANSACTION without modes.
    Begin,
    /// BEGIN with an isolation level or another mode.
    BeginWithModes,
    /// COMMIT or END.
    Commit,
    /// ROLLBACK or ABORT.
    Rollback,
    /// SAVEPOINT, RELEASE, ROLLBACK TO: fine inside a transaction.
    Savepoint,
    /// PREPARE TRANSACTION, COMMIT PREPARED, ROLLBACK PREPARED, COMMIT AND CHAIN.
    TwoPhase,
    /// SET TRANSACTION, SET CONSTRAINTS.
    Settings,
}
