//! A function that changes the schema whenever it runs.
//!
//! ## What it finds
//! In the body of a function or procedure: statements that remove something, or that lock a table so that nobody can write to it. Plain reads and writes, explicit LOCK and temporary tables are left alone. Each is found where it stands in the body.
//!
//! ## Why it hurts a running system
//! It happens when the function is called, not when the migration runs: at any time, in the caller's transaction, whose end it keeps the lock until, and past every gate.
//!
//! ## The way out
//! Change the schema in a migration. Where a function must do it, set `lock_timeout` in the function's definition, and call it when nobody waits.

use lockkeeper_core::classify::{Effect, Reading, effects_in_body};
use lockkeeper_core::message;
use lockkeeper_core::model::LockMode;
use lockkeeper_core::parse::{Body, ObjectName, Sql};

use crate::report::Severity;
use crate::rule::{Check, Example, Hits, Rule, Seen};

pub const RULE: Rule = Rule {
    name: "schema-change-in-function",
    severity: Some(Severity::Warning),
    mended: false,
    source: include_str!("schema_change_in_function.rs"),
    bad: &[
        Example::up("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE t; END $$"),
        Example::up("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'ALTER TABLE t DROP COLUMN a'"),
        Example::up("CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN CREATE INDEX i ON t (a); END $$"),
        Example::up(
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN REFRESH MATERIALIZED VIEW v; RETURN NULL; END $$",
        ),
        Example::up("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'TRUNCATE t'; END $$"),
        Example::up("DO $d$ BEGIN CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DROP VIEW v $$; END $d$"),
    ],
    good: &[
        Example::up(
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN DELETE FROM t WHERE id = OLD.id; UPDATE u SET n = n - 1; RETURN OLD; END $$",
        ),
        Example::up(
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS
             $$ BEGIN DROP TABLE IF EXISTS x; CREATE TEMP TABLE x (a int); TRUNCATE x; CREATE INDEX ON x (a); END $$",
        ),
        Example::up("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC INSERT INTO t VALUES (1); SELECT 1; END"),
        Example::up("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'REFRESH MATERIALIZED VIEW CONCURRENTLY v'"),
    ],
    check: Check::Up(check),
};

fn check(seen: &Seen<'_>, out: &mut Hits) {
    let Sql::CreateRoutine(routine) = seen.sql() else { return };
    let function = routine.name.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
    let temporary = temporary_tables(&routine.body);
    let disturbing = effects_in_body(&routine.body).into_iter().filter(|(sql, effect)| {
        let is_own = matches!(sql, Sql::Drop(drop) if drop.names.iter().all(|name| temporary.contains(&name)));
        changes_schema(sql) && !is_own && disturbs(effect)
    });
    for (_, effect) in disturbing {
        let strongest = effect.locks.iter().max_by_key(|lock| lock.mode);
        let message = match strongest {
            Some(lock) => message!(
                "rule-schema-change-in-function-locks",
                function = function.as_str(),
                what = effect.what.clone(),
                lock = lock.mode.as_str(),
                table = lock.table.to_string()
            ),
            None => {
                message!("rule-schema-change-in-function", function = function.as_str(), what = effect.what.clone())
            }
        };
        out.hit(effect.span, message, message!("rule-schema-change-in-function-help"));
    }
}

/// Whether a statement is none of those that functions are made for.
const fn changes_schema(sql: &Sql) -> bool {
    match sql {
        Sql::Alter { .. }
        | Sql::AlterTable(_)
        | Sql::Cluster { .. }
        | Sql::Create { .. }
        | Sql::CreateIndex(_)
        | Sql::CreateRoutine(_)
        | Sql::CreateTable(_)
        | Sql::Drop(_)
        | Sql::Refresh { concurrently: false, .. }
        | Sql::Reindex { .. }
        | Sql::Truncate { .. }
        | Sql::Vacuum { .. } => true,
        Sql::Analyze { .. }
        | Sql::Call
        | Sql::Comment { .. }
        | Sql::CopyFrom { .. }
        | Sql::CopyTo
        | Sql::Delete { .. }
        // Its statements are looked at one by one.
        | Sql::Do(_)
        | Sql::Explain { .. }
        | Sql::Grant
        | Sql::Insert { .. }
        | Sql::Lock { .. }
        | Sql::Merge { .. }
        | Sql::Query { .. }
        | Sql::Refresh { concurrently: true, .. }
        | Sql::Revoke
        | Sql::Session
        | Sql::Set(_)
        | Sql::Transaction(_)
        | Sql::Update { .. } => false,
    }
}

fn disturbs(effect: &Effect) -> bool {
    let stops_writes = effect.locks.iter().any(|lock| lock.mode >= LockMode::Share);
    stops_writes || effect.destroys_data || effect.reading == Reading::Contracts
}

/// Tables that the body makes for itself.
fn temporary_tables(body: &Body) -> Vec<&ObjectName> {
    let made = body.all_statements().into_iter().filter_map(|statement| match &statement.sql {
        Sql::CreateTable(table) if table.temporary => table.name.as_ref(),
        _ => None,
    });
    made.collect()
}
