//! What a down script destroys is copied away first, in the transaction that destroys it.

use std::collections::BTreeMap;

use super::ruin::Ruin;
use super::{FATE, PLAIN, ROW, literal, names, plainly};
use crate::message;
use crate::model::{LockMode, Message, MigrationNumber, Span};
use crate::parse::{Ident, MigrationFile, ObjectName};
use crate::plan::applied::AppliedSeq;
use crate::plan::step::{RunMode, Step, StepId, StepLock, TakeBack};

/// A table as the catalog has it, as far as keeping its rows depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableShape {
    /// In full.
    pub name: ObjectName,
    /// A plain or a partitioned table: what is foreign keeps its rows elsewhere.
    pub is_table: bool,
    /// The columns of its primary key.
    pub key: Vec<Ident>,
    pub columns: Vec<ColumnShape>,
    /// What its rows take on disk, those of its partitions and what is stored out of line included.
    pub bytes: u64,
    /// Whether other tables inherit from it.
    pub has_heirs: bool,
    /// Whether row security hides rows from us.
    pub is_filtered: bool,
    /// The sequences that its columns own: column and sequence, the latter as SQL names it.
    pub sequences: Vec<(Ident, String)>,
    /// Columns whose values another table has to have.
    pub referring: Vec<Ident>,
}

/// One column of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnShape {
    pub name: Ident,
    /// As SQL names it, in full.
    pub type_name: String,
    /// The type, or its collation, was made in this database: what has it holds on to it.
    pub is_own_type: bool,
    pub is_generated: bool,
    /// GENERATED ALWAYS AS IDENTITY.
    pub is_always_identity: bool,
}

impl TableShape {
    pub fn column(&self, name: &Ident) -> Option<&ColumnShape> {
        self.columns.iter().find(|column| column.name == *name)
    }
}

/// One column that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptColumn {
    pub name: Ident,
    pub type_name: String,
    /// Kept as text: a copy must not hold on to a type that goes with its column.
    pub as_text: bool,
    /// Tells the row that the values belong to, and stays in its table.
    pub is_key: bool,
}

impl KeptColumn {
    fn of(column: &ColumnShape, is_key: bool) -> Self {
        Self { name: column.name.clone(), type_name: column.type_name.clone(), as_text: column.is_own_type, is_key }
    }

    fn selected(&self) -> String {
        let name = &self.name;
        if self.as_text { format!("CAST({name} AS text) COLLATE \"default\" AS {name}") } else { name.to_string() }
    }
}

/// What is kept of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvage {
    /// In full.
    pub table: ObjectName,
    /// All of the table, and not some of its columns.
    pub is_whole: bool,
    pub columns: Vec<KeptColumn>,
    pub sequences: Vec<(Ident, String)>,
    /// The table holds no row, as far as was seen.
    pub seems_empty: bool,
    /// Nothing is there to be kept, and nothing could be: it is looked again under the lock.
    pub must_be_empty: bool,
    /// The statement that destroys it.
    pub span: Span,
}

/// How what a script destroys is kept, table by table. What does not exist holds nothing, unless its columns are still
/// to come. `shapes` are by the names that the script uses.
///
/// # Errors
/// Why something of it cannot be kept.
pub fn salvages(
    ruins: &[Ruin],
    shapes: &BTreeMap<ObjectName, TableShape>,
    bytes_max: u64,
    are_to_come: bool,
) -> Result<Vec<Salvage>, Message> {
    let mut found: Vec<Salvage> = Vec::new();
    let mut bytes: u64 = 0;
    for ruin in ruins {
        let Some(shape) = shapes.get(ruin.table()) else { continue };
        if found.iter().any(|other| other.table == shape.name) {
            continue;
        }
        let gone: Vec<&Ident> = ruins
            .iter()
            .filter(|other| shapes.get(other.table()).is_some_and(|it| it.name == shape.name))
            .filter_map(|other| match other {
                Ruin::Column { column, .. } => Some(column),
                Ruin::Table { .. } => None,
            })
            .collect();
        let is_whole = ruins.iter().any(|other| {
            matches!(other, Ruin::Table { .. }) && shapes.get(other.table()).is_some_and(|it| it.name == shape.name)
        });
        let holds_values = |column: &&Ident| shape.column(column).map_or(are_to_come, |it| !it.is_generated);
        if !is_whole && !gone.iter().any(holds_values) {
            continue;
        }
        match one(shape, is_whole, &gone, ruin.span()) {
            Ok(salvage) => {
                bytes = bytes.saturating_add(shape.bytes);
                if bytes > bytes_max {
                    let (mib, max) = (bytes.div_ceil(1 << 20), bytes_max >> 20);
                    return Err(message!("loss-too-large", table = shape.name.to_string(), mib = mib, max = max));
                }
                found.push(salvage);
            }
            // Nobody misses what was never there.
            Err(_) if shape.bytes == 0 && shape.is_table && !shape.has_heirs => found.push(Salvage {
                table: shape.name.clone(),
                is_whole,
                columns: Vec::new(),
                sequences: Vec::new(),
                seems_empty: true,
                must_be_empty: true,
                span: ruin.span(),
            }),
            Err(why) => return Err(why),
        }
    }
    Ok(found)
}

fn one(shape: &TableShape, is_whole: bool, gone: &[&Ident], span: Span) -> Result<Salvage, Message> {
    let table = || shape.name.to_string();
    if !shape.is_table {
        return Err(message!("loss-no-table", table = table()));
    }
    if shape.has_heirs {
        return Err(message!("loss-heirs", table = table()));
    }
    if shape.is_filtered {
        return Err(message!("loss-row-security", table = table()));
    }
    if !is_whole && shape.key.is_empty() {
        return Err(message!("loss-no-key", table = table()));
    }
    if !is_whole && shape.key.iter().any(|key| gone.contains(&key)) {
        return Err(message!("loss-key-goes", table = table()));
    }
    let is_key = |column: &ColumnShape| !is_whole && shape.key.contains(&column.name);
    let is_kept =
        |column: &&ColumnShape| is_key(column) || (!column.is_generated && (is_whole || gone.contains(&&column.name)));
    let columns = shape.columns.iter().filter(is_kept).map(|column| KeptColumn::of(column, is_key(column))).collect();
    let is_gone = |(column, _): &&(Ident, String)| is_whole || gone.contains(&column);
    Ok(Salvage {
        table: shape.name.clone(),
        is_whole,
        columns,
        sequences: shape.sequences.iter().filter(is_gone).cloned().collect(),
        seems_empty: shape.bytes == 0,
        must_be_empty: false,
        span,
    })
}

impl Salvage {
    /// Where the rows are kept: by the migration's place in the ledger, which is never given twice.
    pub fn kept_in(seq: AppliedSeq, place: usize) -> String {
        format!("salvage_{}_{place}", seq.0)
    }

    /// The columns whose values are kept, without those that only tell the row.
    pub fn values(&self) -> String {
        names(self.columns.iter().filter(|column| !column.is_key).map(|column| &column.name))
    }

    /// What is done before the script's own statements. `place` counts from 1.
    pub fn steps(
        &self,
        migration: MigrationNumber,
        seq: AppliedSeq,
        place: usize,
        actor: &str,
        file: &MigrationFile,
    ) -> Vec<Step> {
        let table = &self.table;
        let mut steps = vec![Step {
            locks: vec![StepLock { mode: LockMode::AccessExclusive, table: table.to_string(), on: None }],
            ..self.step(migration, file, format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        }];
        let mut then = |sql: String| steps.push(self.step(migration, file, sql));
        then(plainly());
        if self.must_be_empty {
            then(format!(
                "DO $lockkeeper$ BEGIN IF EXISTS (SELECT FROM {table}) THEN RAISE EXCEPTION USING MESSAGE = {}; \
                 END IF; END $lockkeeper$",
                literal(&format!("{table} was empty and has rows by now, and they cannot be kept"))
            ));
        } else {
            let kept_in = format!("lockkeeper.{}", Self::kept_in(seq, place));
            let columns: Vec<String> = [format!("NULL::text AS {FATE}")]
                .into_iter()
                .chain(self.columns.iter().map(KeptColumn::selected))
                .collect();
            let columns = columns.join(", ");
            then(format!(
                "CREATE TABLE {kept_in} AS SELECT pg_catalog.row_number() OVER () AS {ROW}, {columns} \
                 FROM {table}"
            ));
            let recorded = self.recorded(seq, place, &kept_in, actor);
            // Of a table without rows there is nothing to keep but where its sequences stand.
            then(if self.sequences.is_empty() {
                format!(
                    "DO $lockkeeper$ BEGIN IF EXISTS (SELECT FROM {kept_in}) THEN {recorded}; ELSE DROP TABLE {kept_in}; \
                     END IF; END $lockkeeper$"
                )
            } else {
                recorded
            });
        }
        let back: Vec<String> = PLAIN.iter().map(|(name, _)| format!("SET LOCAL {name} TO DEFAULT")).collect();
        then(back.join("; "));
        steps
    }

    fn recorded(&self, seq: AppliedSeq, place: usize, kept_in: &str, actor: &str) -> String {
        let column = |column: &KeptColumn| {
            format!(
                "pg_catalog.json_build_object('name', {}::text, 'type', {}::text, 'text', {}, 'key', {})",
                literal(column.name.as_str()),
                literal(&column.type_name),
                column.as_text,
                column.is_key
            )
        };
        let sequence = |(column, sequence): &(Ident, String)| {
            format!(
                "(SELECT pg_catalog.json_build_object('column', {}::text, 'last', q.last_value, 'called', q.is_called) \
                 FROM {sequence} q)",
                literal(column.as_str())
            )
        };
        let schema = self.table.schema.as_ref().map(Ident::as_str).unwrap_or_default();
        format!(
            "INSERT INTO lockkeeper.salvages (migration_seq, place, schema_name, table_name, is_whole, columns, sequences, \
             kept_in, row_count, bytes, taken_by) SELECT {}, {place}, {}, {}, {}, \
             pg_catalog.json_build_array({})::text, pg_catalog.json_build_array({})::text, {}, \
             (SELECT pg_catalog.count(*) FROM {kept_in}), pg_catalog.pg_table_size({}::regclass), {}",
            seq.0,
            literal(schema),
            literal(self.table.name.as_str()),
            self.is_whole,
            self.columns.iter().map(column).collect::<Vec<_>>().join(", "),
            self.sequences.iter().map(sequence).collect::<Vec<_>>().join(", "),
            literal(&Self::kept_in(seq, place)),
            literal(kept_in),
            literal(actor)
        )
    }

    fn step(&self, migration: MigrationNumber, file: &MigrationFile, sql: String) -> Step {
        let source = self.span.of(&file.text).to_owned();
        Step {
            span: self.span,
            what: vec![message!("effect-salvage", table = self.table.to_string())],
            may_change_role: false,
            sets_session: false,
            run: RunMode::InMigration,
            take_back: TakeBack::Impossible,
            safe_because: message!("safe-salvage"),
            ..Step::recorded(migration, StepId(1), 1, source, sql)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;
    use crate::plan::salvage::ruins;

    fn name(text: &str) -> ObjectName {
        ObjectName::from_source(text).unwrap()
    }

    fn column(text: &str) -> ColumnShape {
        ColumnShape {
            name: Ident::from_source(text),
            type_name: "text".into(),
            is_own_type: false,
            is_generated: false,
            is_always_identity: false,
        }
    }

    fn table() -> TableShape {
        TableShape {
            name: name("public.a"),
            is_table: true,
            key: vec![Ident::from_source("id")],
            columns: ["id", "b", "c"].map(column).to_vec(),
            bytes: 8192,
            has_heirs: false,
            is_filtered: false,
            sequences: Vec::new(),
            referring: Vec::new(),
        }
    }

    fn told(sql: &str, shape: TableShape) -> String {
        let shapes = BTreeMap::from([(name("a"), shape.clone()), (name("public.a"), shape)]);
        match salvages(&ruins(&parse(sql)).unwrap(), &shapes, 1 << 20, false) {
            Ok(salvages) => {
                let one = |it: &Salvage| match (it.must_be_empty, it.is_whole) {
                    (true, _) => format!("{} empty", it.table),
                    (false, true) => format!("{} whole {}", it.table, it.values()),
                    (false, false) => format!("{} {}", it.table, it.values()),
                };
                salvages.iter().map(one).collect::<Vec<_>>().join("; ")
            }
            Err(why) => why.id.to_owned(),
        }
    }

    #[test]
    fn what_goes_is_kept_once() {
        assert_eq!(told("ALTER TABLE a DROP COLUMN b; ALTER TABLE public.a DROP c", table()), "public.a b, c");
        assert_eq!(told("ALTER TABLE a DROP COLUMN b; DROP TABLE a", table()), "public.a whole id, b, c");
        assert_eq!(told("ALTER TABLE a DROP COLUMN IF EXISTS nowhere; DROP TABLE IF EXISTS gone", table()), "");
    }

    type Change = fn(&mut TableShape);

    #[test]
    fn what_cannot_be_kept_says_why() {
        let drop = "ALTER TABLE a DROP COLUMN b";
        let cases: [(&str, &str, Change); 9] = [
            (drop, "loss-no-key", |it| it.key.clear()),
            ("DROP TABLE a", "public.a whole id, b, c", |it| it.key.clear()),
            ("ALTER TABLE a DROP COLUMN id", "loss-key-goes", |_| {}),
            (drop, "loss-too-large", |it| it.bytes = (1 << 20) + 1),
            (drop, "loss-heirs", |it| it.has_heirs = true),
            (drop, "loss-row-security", |it| it.is_filtered = true),
            (drop, "loss-no-table", |it| it.is_table = false),
            (drop, "public.a empty", |it| (it.bytes, it.key) = (0, Vec::new())),
            (drop, "", |it| it.columns[1].is_generated = true),
        ];
        for (sql, expected, change) in cases {
            let mut shape = table();
            change(&mut shape);
            assert_eq!(told(sql, shape), expected, "{sql}");
        }
    }

    #[test]
    fn literals_mean_what_they_say() {
        assert_eq!(literal("a'b"), "'a''b'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
    }
}
