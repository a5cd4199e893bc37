//! What was kept goes back when its migration is applied again: batch by batch, each row with what became of it.

use std::fmt::Write;

use super::take::{ColumnShape, KeptColumn, TableShape};
use super::{FATE, ROW, literal, names, plainly};
use crate::message;
use crate::model::Message;
use crate::parse::{Ident, ObjectName};

/// What is kept of one table, as the ledger tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// In full.
    pub table: ObjectName,
    pub is_whole: bool,
    pub columns: Vec<KeptColumn>,
    /// The table of the ledger's schema that holds the rows.
    pub kept_in: ObjectName,
}

/// How it goes back into a table as that is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutBack {
    table: ObjectName,
    kept_in: ObjectName,
    /// Of each row: what tells it, as it stands in the table.
    key: Vec<Value>,
    values: Vec<Value>,
    /// The columns that have no place any more: their values stay where they are kept.
    pub left_out: Vec<Ident>,
    how: How,
    /// Whether a foreign key looks at what is put back: then no trigger may be silenced, because its own are among
    /// them.
    pub is_referring: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum How {
    /// Rows that are there get their values.
    Update,
    /// Rows come back; one that is there already gives way.
    Insert { on_conflict: String },
    /// Rows come back, all at once and into an empty table: nothing would tell one from another.
    Fill,
}

/// One column of a row on its way back.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Value {
    column: Ident,
    /// What is written, of the row `s` that is kept.
    sql: String,
    /// Whether that is what was kept.
    is_same: Option<String>,
}

impl PutBack {
    /// # Errors
    /// Why nothing of it can go back into the table as it is now.
    pub fn plan(kept: &Kept, shape: Option<&TableShape>) -> Result<Self, Message> {
        let table = || kept.table.to_string();
        let Some(shape) = shape else { return Err(message!("salvage-no-table", table = table())) };
        let place = |column: &KeptColumn| shape.column(&column.name).filter(|it| kept.is_whole || takes_update(it));
        let mut key = Vec::new();
        for column in kept.columns.iter().filter(|column| column.is_key) {
            let Some(now) = shape.column(&column.name).filter(|it| shape.key.contains(&it.name)) else {
                return Err(message!("salvage-other-key", table = table()));
            };
            key.push(Value::of(column, now));
        }
        if !kept.is_whole && key.len() != shape.key.len() {
            return Err(message!("salvage-other-key", table = table()));
        }
        let (mut values, mut left_out) = (Vec::new(), Vec::new());
        for column in kept.columns.iter().filter(|column| !column.is_key) {
            match place(column).filter(|it| !it.is_generated) {
                Some(now) => values.push(Value::of(column, now)),
                None => left_out.push(column.name.clone()),
            }
        }
        if values.is_empty() {
            return Err(message!("salvage-no-column", table = table(), columns = names(&left_out)));
        }
        let back: Vec<&Ident> = values.iter().map(|value| &value.column).collect();
        let how = if !kept.is_whole {
            How::Update
        } else if !shape.key.is_empty() && shape.key.iter().all(|key| back.contains(&key)) {
            How::Insert { on_conflict: on_conflict(shape, &back) }
        } else {
            How::Fill
        };
        let is_referring = shape.referring.iter().any(|column| back.contains(&column));
        Ok(Self { table: shape.name.clone(), kept_in: kept.kept_in.clone(), key, values, left_out, how, is_referring })
    }

    /// Whether all rows go back in one transaction, and only into a table that holds none.
    pub fn is_all_at_once(&self) -> bool {
        self.how == How::Fill
    }

    /// What is run before each batch, in its transaction.
    pub fn settings(silences_triggers: bool) -> String {
        let silent = if silences_triggers { "; SET LOCAL session_replication_role = replica" } else { "" };
        format!("{}{silent}", plainly())
    }

    /// Finds its rows by their number, once and for all batches.
    pub fn index(&self) -> String {
        format!("CREATE UNIQUE INDEX IF NOT EXISTS {}_rows ON {} ({ROW})", self.kept_in.name, self.kept_in)
    }

    /// Answers whether the table holds a row.
    pub fn holds_rows(&self) -> String {
        format!("SELECT EXISTS (SELECT FROM {})", self.table)
    }

    /// Puts the rows of these numbers back: those behind `after`, up to `to`. Answers how many the table took in
    /// without a word and without keeping them.
    pub fn batch(&self, after: i64, to: i64) -> String {
        self.rows(&after.to_string(), &to.to_string(), "")
    }

    /// The same, row by row: one that does not fit stays where it is, with what the server said of it.
    pub fn one_by_one(&self, after: i64, to: i64) -> String {
        // What the row is to blame for: its data, a constraint, its table's own triggers and functions.
        const ITS_OWN: &str = "^(22|23|2F|38|39|42|44|P0)";
        let kept_in = &self.kept_in;
        format!(
            "DO $lockkeeper$ DECLARE lockkeeper_at bigint; lockkeeper_count bigint; BEGIN \
             FOR lockkeeper_at IN SELECT s.{ROW} FROM {kept_in} s WHERE s.{ROW} > {after} AND s.{ROW} <= {to} \
             AND s.{FATE} IS NULL ORDER BY 1 LOOP BEGIN {}; \
             EXCEPTION WHEN OTHERS THEN IF SQLSTATE !~ '{ITS_OWN}' THEN RAISE; END IF; \
             UPDATE {kept_in} s SET {FATE} = SQLSTATE || ' ' || SQLERRM WHERE s.{ROW} = lockkeeper_at; END; \
             END LOOP; END $lockkeeper$",
            self.rows("lockkeeper_at - 1", "lockkeeper_at", "INTO lockkeeper_count ")
        )
    }

    fn rows(&self, after: &str, to: &str, into: &str) -> String {
        let kept_in = &self.kept_in;
        let mut picked = format!("s.{ROW} AS lk_row");
        for (place, value) in self.key.iter().enumerate() {
            let _ = write!(picked, ", {} AS lk_key{place}", value.sql);
        }
        for (place, value) in self.values.iter().enumerate() {
            let _ = write!(picked, ", {} AS lk_value{place}", value.sql);
        }
        let checks: Vec<&str> = self.key.iter().chain(&self.values).filter_map(|it| it.is_same.as_deref()).collect();
        let is_same = if checks.is_empty() { "true".to_owned() } else { checks.join(" AND ") };
        let (put, fate) = match &self.how {
            How::Update => (
                self.update(),
                "CASE WHEN NOT p.lk_same THEN 'unlike' \
                 ELSE coalesce((SELECT CASE WHEN u.lk_kept THEN 'returned' ELSE 'altered' END \
                 FROM put u WHERE u.lk_row = p.lk_row), 'gone') END",
            ),
            How::Insert { on_conflict } => (self.insert(on_conflict), INSERTED),
            How::Fill => (self.insert(""), INSERTED),
        };
        format!(
            "WITH picked AS MATERIALIZED (SELECT {picked}, {is_same} AS lk_same FROM {kept_in} s \
             WHERE s.{ROW} > {after} AND s.{ROW} <= {to} AND s.{FATE} IS NULL), \
             put AS ({put}), told AS (UPDATE {kept_in} s SET {FATE} = {fate} FROM picked p \
             WHERE s.{ROW} = p.lk_row RETURNING s.{FATE} AS lk_fate) \
             SELECT pg_catalog.count(*) FILTER (WHERE lk_fate = 'refused') {into}FROM told"
        )
    }

    fn update(&self) -> String {
        let set = |(place, value): (usize, &Value)| format!("{} = p.lk_value{place}", value.column);
        let join = |(place, value): (usize, &Value)| format!("t.{} = p.lk_key{place}", value.column);
        let kept = |(place, value): (usize, &Value)| {
            format!("(t.{})::text IS NOT DISTINCT FROM (p.lk_value{place})::text", value.column)
        };
        let all = |each: Vec<String>, with: &str| each.join(with);
        format!(
            "UPDATE {} t SET {} FROM picked p WHERE p.lk_same AND {} RETURNING p.lk_row, {} AS lk_kept",
            self.table,
            all(self.values.iter().enumerate().map(set).collect(), ", "),
            all(self.key.iter().enumerate().map(join).collect(), " AND "),
            all(self.values.iter().enumerate().map(kept).collect(), " AND ")
        )
    }

    fn insert(&self, on_conflict: &str) -> String {
        let values: Vec<String> = (0..self.values.len()).map(|place| format!("p.lk_value{place}")).collect();
        format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM picked p WHERE p.lk_same ORDER BY p.lk_row\
             {on_conflict} RETURNING 1",
            self.table,
            names(self.values.iter().map(|value| &value.column)),
            values.join(", ")
        )
    }

    /// What has become of the rows: those that wait, are back, have lost the row that they belong to, and stay.
    pub fn counts(kept_in: &ObjectName) -> String {
        format!(
            "SELECT pg_catalog.count(*) FILTER (WHERE s.{FATE} IS NULL), \
             pg_catalog.count(*) FILTER (WHERE s.{FATE} = 'returned'), \
             pg_catalog.count(*) FILTER (WHERE s.{FATE} = 'gone'), \
             pg_catalog.count(*) FILTER (WHERE s.{FATE} NOT IN ('returned', 'gone')) FROM {kept_in} s"
        )
    }

    /// Moves the sequence of a column on to where it was; one that is further already stays.
    pub fn sequence(table: &ObjectName, column: &str, last: i64, is_called: bool) -> String {
        let (table, column) = (literal(&table.to_string()), literal(column));
        format!(
            "SELECT pg_catalog.setval(p.seqrelid::regclass, CASE WHEN p.seqincrement > 0 \
             THEN greatest({last}, coalesce(q.last_value, {last})) ELSE least({last}, coalesce(q.last_value, {last})) END, \
             {is_called} OR q.last_value IS NOT NULL) FROM pg_catalog.pg_sequence p \
             JOIN pg_catalog.pg_class c ON c.oid = p.seqrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_sequences q ON q.schemaname = n.nspname AND q.sequencename = c.relname \
             WHERE p.seqrelid = pg_catalog.pg_get_serial_sequence({table}, {column})::regclass"
        )
    }
}

/// A trigger or a rule may have swallowed one, and nothing tells which: then all of the batch is tried one by one.
const INSERTED: &str = "CASE WHEN NOT p.lk_same THEN 'unlike' \
     WHEN (SELECT pg_catalog.count(*) FROM put) < (SELECT pg_catalog.count(*) FROM picked WHERE lk_same) \
     THEN 'refused' ELSE 'returned' END";

/// An UPDATE sets it: an identity that is always generated it does not.
const fn takes_update(column: &ColumnShape) -> bool {
    !column.is_always_identity
}

fn on_conflict(shape: &TableShape, back: &[&Ident]) -> String {
    let settable =
        |column: &&&Ident| !shape.key.contains(column) && shape.column(column).is_some_and(|it| !it.is_always_identity);
    let mut set: Vec<&Ident> = back.iter().filter(settable).copied().collect();
    if set.is_empty() {
        set = shape.key.iter().take(1).collect();
    }
    let set: Vec<String> = set.iter().map(|column| format!("{column} = EXCLUDED.{column}")).collect();
    format!(" ON CONFLICT ({}) DO UPDATE SET {}", names(&shape.key), set.join(", "))
}

impl Value {
    fn of(kept: &KeptColumn, now: &ColumnShape) -> Self {
        let (column, was, is) = (&kept.name, &kept.type_name, &now.type_name);
        if was == is {
            let sql = if kept.as_text { format!("s.{column}::{is}") } else { format!("s.{column}") };
            return Self { column: column.clone(), sql, is_same: None };
        }
        let json = ["json", "jsonb"];
        if json.contains(&was.as_str()) && json.contains(&is.as_str()) {
            return Self { column: column.clone(), sql: format!("s.{column}::{is}"), is_same: None };
        }
        // Another type: through text, because a cast may round or cut off, and only if it leads back again.
        let sql = format!("s.{column}::text::{is}");
        let back = if kept.as_text { format!("{sql}::text") } else { format!("{sql}::text::{was}::text") };
        let is_same = Some(format!("{back} IS NOT DISTINCT FROM s.{column}::text"));
        Self { column: column.clone(), sql, is_same }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(columns: &[(&str, &str, bool)], is_whole: bool) -> Kept {
        let one = |(name, type_name, is_key): &(&str, &str, bool)| KeptColumn {
            name: Ident::from_source(name),
            type_name: (*type_name).into(),
            as_text: type_name.contains('.'),
            is_key: *is_key,
        };
        Kept {
            table: ObjectName::from_source("public.a").unwrap(),
            is_whole,
            columns: columns.iter().map(one).collect(),
            kept_in: ObjectName::from_source("lockkeeper.salvage_1_1").unwrap(),
        }
    }

    fn shape(key: &[&str], columns: &[(&str, &str)]) -> TableShape {
        let one = |(name, type_name): &(&str, &str)| ColumnShape {
            name: Ident::from_source(name),
            type_name: (*type_name).into(),
            is_own_type: false,
            is_generated: type_name.starts_with("generated"),
            is_always_identity: type_name.starts_with("identity"),
        };
        TableShape {
            name: ObjectName::from_source("public.a").unwrap(),
            is_table: true,
            key: key.iter().map(|name| Ident::from_source(name)).collect(),
            columns: columns.iter().map(one).collect(),
            bytes: 0,
            has_heirs: false,
            is_filtered: false,
            sequences: Vec::new(),
            referring: Vec::new(),
        }
    }

    fn why(kept: &Kept, shape: Option<&TableShape>) -> &'static str {
        PutBack::plan(kept, shape).map_or_else(|why| why.id, |_| "goes back")
    }

    #[test]
    fn what_has_no_place_says_why() {
        let values = kept(&[("id", "bigint", true), ("b", "text", false)], false);
        assert_eq!(why(&values, None), "salvage-no-table");
        assert_eq!(why(&values, Some(&shape(&["id"], &[("id", "bigint")]))), "salvage-no-column");
        assert_eq!(why(&values, Some(&shape(&["id"], &[("id", "bigint"), ("b", "generated")]))), "salvage-no-column");
        assert_eq!(why(&values, Some(&shape(&["id"], &[("id", "bigint"), ("b", "identity")]))), "salvage-no-column");
        assert_eq!(why(&values, Some(&shape(&["b"], &[("id", "bigint"), ("b", "text")]))), "salvage-other-key");
        let wider = shape(&["id", "c"], &[("id", "bigint"), ("b", "text"), ("c", "text")]);
        assert_eq!(why(&values, Some(&wider)), "salvage-other-key");
        assert_eq!(why(&values, Some(&shape(&["id"], &[("id", "bigint"), ("b", "text")]))), "goes back");
    }

    #[test]
    fn a_value_of_another_type_leads_back_or_stays() {
        let values = kept(&[("id", "bigint", true), ("b", "text", false), ("c", "public.mood", false)], false);
        let now = shape(&["id"], &[("id", "bigint"), ("b", "character varying(5)"), ("c", "text")]);
        let sql = PutBack::plan(&values, Some(&now)).unwrap().batch(0, 10);
        let back = "s.b::text::character varying(5)::text::text::text IS NOT DISTINCT FROM s.b::text \
                    AND s.c::text::text::text IS NOT DISTINCT FROM s.c::text AS lk_same";
        assert!(sql.contains(back), "{sql}");
        let same = shape(&["id"], &[("id", "bigint"), ("b", "text"), ("c", "public.mood")]);
        let sql = PutBack::plan(&values, Some(&same)).unwrap().batch(0, 10);
        assert!(sql.contains("s.b AS lk_value0, s.c::public.mood AS lk_value1, true AS lk_same"), "{sql}");
    }

    #[test]
    fn rows_of_a_table_give_way_or_fill_it() {
        let rows = kept(&[("id", "bigint", false), ("b", "text", false)], true);
        let keyed = PutBack::plan(&rows, Some(&shape(&["id"], &[("id", "identity"), ("b", "text")]))).unwrap();
        assert_eq!((keyed.is_all_at_once(), keyed.left_out.len()), (false, 0));
        assert!(keyed.batch(0, 10).contains("ON CONFLICT (id) DO UPDATE SET b = EXCLUDED.b RETURNING 1"));
        let keyless = PutBack::plan(&rows, Some(&shape(&[], &[("id", "bigint"), ("c", "text")]))).unwrap();
        assert_eq!((keyless.is_all_at_once(), keyless.left_out), (true, vec![Ident::from_source("b")]));
    }
}
