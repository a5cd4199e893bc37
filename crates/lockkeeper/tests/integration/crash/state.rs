//! What stands in a database: schema, rows, and what the ledger says, as lines that can be compared.

use std::collections::BTreeMap;

use lockkeeper_testkit::Database;

/// A database at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The schema and the rows of all tables, without the ledger.
    pub data: Vec<String>,
    /// What the ledger means. Empty when there is none.
    pub ledger: Vec<String>,
}

/// A migration as the ledger has it: its number, and whether it is complete.
pub type Standing = Vec<(i64, String)>;

impl State {
    /// `varies` are columns whose values no two runs share, as `table.column`: of those only whether they are
    /// null counts, and whether they differ from row to row.
    pub fn of(database: &Database, varies: &[&str]) -> Self {
        let mut data = database.catalogue();
        data.extend(database.query(LEFT_OVER).concat());
        data.extend(database.query(&CONTENTS.replace("$varies$", &varies.join(","))).concat());
        let ledger = if has_ledger(database) { database.query(LEDGER).concat() } else { Vec::new() };
        Self { data, ledger }
    }

    /// Names of ours that do not belong into anybody's schema.
    pub fn left_over(&self) -> Vec<&String> {
        self.data.iter().filter(|line| line.starts_with("LEFT OVER")).collect()
    }
}

/// The lines that differ: `-` is what should be there and is not, `+` is what should not be there.
pub fn difference(expected: &[String], found: &[String]) -> Option<String> {
    let mut counts: BTreeMap<&String, i32> = BTreeMap::new();
    for (lines, sign) in [(expected, -1), (found, 1)] {
        for line in lines {
            *counts.entry(line).or_default() += sign;
        }
    }
    let only = |sign: char, is_one: fn(i32) -> bool| {
        let lines = counts.iter().filter(move |(_, count)| is_one(**count));
        lines.map(|(line, _)| format!("    {sign} {line}")).collect::<Vec<_>>()
    };
    let (missing, added) = (only('-', |count| count < 0), only('+', |count| count > 0));
    if missing.is_empty() && added.is_empty() {
        return None;
    }
    let some = |lines: Vec<String>| match lines.len().saturating_sub(LINES_SHOWN) {
        0 => lines.join("\n"),
        more => format!("{}\n    … and {more} more of these", lines[..LINES_SHOWN].join("\n")),
    };
    Some(format!("{}\n{}", some(missing), some(added)))
}

const LINES_SHOWN: usize = 6;

pub fn has_ledger(database: &Database) -> bool {
    database.value("SELECT to_regclass('lockkeeper.lease') IS NOT NULL") == "t"
}

/// The migrations that stand, in the order in which they were applied.
pub fn standing(database: &Database) -> Standing {
    if !has_ledger(database) {
        return Vec::new();
    }
    let sql = "SELECT number, state FROM lockkeeper.migrations WHERE state <> 'rolled_back' ORDER BY seq";
    let rows = database.query(sql);
    rows.into_iter().map(|row| (row[0].parse().unwrap(), row[1].clone())).collect()
}

/// Nothing of ours stays behind outside of our schema.
const LEFT_OVER: &str = "
    SELECT format('LEFT OVER %s %s', kind, name) FROM (
        SELECT 'relation', relname, relnamespace FROM pg_class UNION ALL
        SELECT 'constraint', conname, connamespace FROM pg_constraint UNION ALL
        SELECT 'trigger', tgname, relnamespace FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid UNION ALL
        SELECT 'type', typname, typnamespace FROM pg_type UNION ALL
        SELECT 'function', proname, pronamespace FROM pg_proc
    ) AS named (kind, name, space)
    JOIN pg_namespace n ON n.oid = space
    WHERE (name ILIKE '%lockkeeper%' OR name ILIKE '%\\_ccnew%' OR name ILIKE '%\\_ccold%') AND nspname <> 'lockkeeper'
    ORDER BY 1";

/// Every row of every table and materialized view; of many rows their number and a hash.
const CONTENTS: &str = r#"
    BEGIN;
    CREATE FUNCTION pg_temp.contents(varies text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
    DECLARE
        one regclass;
        columns text[];
    BEGIN
        FOR one IN SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
            WHERE relkind IN ('r', 'm') AND nspname NOT IN ('pg_catalog', 'information_schema', 'lockkeeper')
            AND nspname !~ '^pg_'
        LOOP
            columns := array(SELECT split_part(v, '.', 2) FROM unnest(varies) v JOIN pg_attribute a
                ON attrelid = one AND attname = split_part(v, '.', 2) AND NOT attisdropped
                WHERE split_part(v, '.', 1) = one::text);
            RETURN QUERY EXECUTE format($q$
                WITH lines (line) AS (SELECT 'ROW %s ' || (to_jsonb(t) || coalesce((SELECT
                    jsonb_object_agg(c, CASE WHEN to_jsonb(t) -> c = 'null' THEN 'null' ELSE 'a value' END)
                    FROM unnest(%L::text[]) c), '{}'))::text FROM %s t)
                SELECT line FROM lines WHERE (SELECT count(*) FROM lines) < 1000
                UNION ALL SELECT format('ROWS of %s: %%s, %%s', count(*), md5(string_agg(line, ',' ORDER BY line)))
                FROM lines HAVING count(*) >= 1000 $q$, one, columns, one, one);
            RETURN QUERY EXECUTE format($q$ SELECT format('VARIES %s.%%s %%s', c, count(DISTINCT to_jsonb(t) -> c) > 1)
                FROM %s t, unnest(%L::text[]) c GROUP BY c $q$, one, one, columns);
        END LOOP;
    END $$;
    SELECT line FROM pg_temp.contents('{$varies$}') line ORDER BY line COLLATE "C";
    ROLLBACK"#;

/// What stands and in which order, how far the release is, which points lead where, how often each migration was
/// applied and undone, and what is not finished. Identity columns skip numbers when a transaction fails, so
/// rows are counted and not named by them. A migration that failed and left nothing may have been tried before; those
/// of its steps that never began stay behind as they were planned.
const LEDGER: &str = "
    SELECT line FROM (
        SELECT format('%s. %s %s stage %s is %s', row_number() OVER (ORDER BY seq), number, name, stage, state)
        FROM lockkeeper.migrations WHERE state <> 'rolled_back'
        UNION ALL
        SELECT format('release %s is %s with %s, over: %s', row_number() OVER (ORDER BY id), state, deployed_version,
            finished_at IS NOT NULL)
        FROM lockkeeper.releases
        UNION ALL
        SELECT format('point %s keeps %s', p.name, count(m.seq))
        FROM lockkeeper.rollback_points p LEFT JOIN lockkeeper.migrations m
            ON m.seq <= p.after_seq AND m.state <> 'rolled_back'
        WHERE voided_at IS NULL GROUP BY p.id
        UNION ALL
        SELECT format('event %s of %s: %s times', kind, payload::json ->> 'number', count(*))
        FROM lockkeeper.events WHERE kind IN ('migration_applied', 'migration_rolled_back')
            AND payload::json ->> 'reason' IS DISTINCT FROM 'failed'
        GROUP BY kind, payload::json ->> 'number'
        UNION ALL
        SELECT DISTINCT format('event %s', kind) FROM lockkeeper.events
        WHERE kind IN ('deployed', 'approved', 'rollback_finished')
        UNION ALL
        SELECT format('approval used: %s', used_at IS NOT NULL) FROM lockkeeper.approvals
        UNION ALL
        SELECT format('unfinished step %s of %s: %s', ordinal, direction, sql)
        FROM lockkeeper.steps s JOIN lockkeeper.migrations m ON m.seq = s.migration_seq
        WHERE outcome IS NULL AND (s.started_at IS NOT NULL OR m.state <> 'rolled_back')
        UNION ALL
        SELECT format('kept of %s: %s rows, %s back, %s gone, %s kept', table_name, row_count, rows_returned, rows_gone,
            rows_kept)
        FROM lockkeeper.salvages
        UNION ALL
        SELECT 'the lease is held' FROM lockkeeper.lease WHERE expires_at > clock_timestamp()
    ) AS lines (line) ORDER BY line COLLATE \"C\"";
