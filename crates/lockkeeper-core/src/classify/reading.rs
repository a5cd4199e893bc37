//! A file's stage: what its effects say, what its name promises, what a directive overrules.

use super::effect::{Effect, Reading};
use super::fresh::Fresh;
use super::statement;
use crate::message;
use crate::model::{Message, MigrationName, Place, Problem, Stage};
use crate::parse::{Body, MigrationFile, Script, Sql};

/// Every effect of a file, in order.
pub fn effects(script: &Script) -> Vec<Effect> {
    effects_by_statement(script).into_iter().flatten().collect()
}

/// The effects of each statement, in order, what the file itself creates taken into account.
pub fn effects_by_statement(script: &Script) -> Vec<Vec<Effect>> {
    let mut fresh = Fresh::looking_ahead(&script.statements);
    script
        .statements
        .iter()
        .map(|statement| {
            let effects = statement::effects_of(statement, &fresh);
            fresh.learn(&statement.sql);
            effects
        })
        .collect()
}

/// What the statements of a body do when it runs, each effect with its statement; what cannot be read is left out.
pub fn effects_in_body(body: &Body) -> Vec<(&Sql, Effect)> {
    let mut fresh = Fresh::looking_ahead(&body.statements);
    let mut found = Vec::new();
    for statement in body.all_statements() {
        if !matches!(statement.sql, Sql::Do(_)) {
            found.extend(statement::effects_of(statement, &fresh).into_iter().map(|it| (&statement.sql, it)));
            fresh.learn_in_body(&statement.sql);
        }
    }
    found
}

/// Where a migration's stage comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StageSource {
    Effects,
    /// The effects fit both stages, or cannot be read: the name decides.
    Name,
    Directive,
}

/// A migration's stage and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageDecision {
    pub stage: Stage,
    pub source: StageSource,
    /// For people: "drops column users.name", or the directive's reason.
    pub because: Message,
}

/// Decides the stage of a migration, or refuses when its name and its effects disagree.
pub fn decide_stage(
    name: &MigrationName,
    up: &MigrationFile,
    script: &Script,
    effects: &[Effect],
) -> Result<StageDecision, Box<Problem>> {
    if let Some((stage, reason)) = script.stage_directive() {
        let because = message!("stage-by-directive", reason = reason);
        return Ok(StageDecision { stage, source: StageSource::Directive, because });
    }
    let promise = name.kind().promises();
    let first = |reading| effects.iter().find(|effect| effect.reading == reading);
    let contracts = first(Reading::Contracts);
    let expands = first(Reading::Expands);
    let unreadable = first(Reading::Unreadable);
    match (promise, contracts, expands) {
        (Some(Stage::Expand), Some(contracting), _) => {
            Err(disagreement(name, up, contracting, Stage::Contract, effects))
        }
        (Some(Stage::Contract), None, Some(expanding)) => {
            Err(disagreement(name, up, expanding, Stage::Expand, effects))
        }
        (_, Some(contracting), _) => Ok(decided(Stage::Contract, StageSource::Effects, &contracting.what)),
        (Some(stage), None, None) => Ok(StageDecision {
            stage,
            source: StageSource::Name,
            because: message!("stage-by-name", name = name.as_str()),
        }),
        // What cannot be read may remove something: without a promise it waits for stage 2.
        (None, None, _) if unreadable.is_some() => Ok(StageDecision {
            stage: Stage::Contract,
            source: StageSource::Effects,
            because: message!("stage-by-unreadable"),
        }),
        (_, None, Some(expanding)) => Ok(decided(Stage::Expand, StageSource::Effects, &expanding.what)),
        (None, None, None) => Ok(StageDecision {
            stage: Stage::Expand,
            source: StageSource::Effects,
            because: message!("stage-by-nothing"),
        }),
    }
}

fn decided(stage: Stage, source: StageSource, what: &Message) -> StageDecision {
    StageDecision { stage, source, because: what.clone() }
}

/// The refusal: both readings, the place of the effect that contradicts, and the ways out.
fn disagreement(
    name: &MigrationName,
    up: &MigrationFile,
    against: &Effect,
    by_effects: Stage,
    effects: &[Effect],
) -> Box<Problem> {
    let by_name = match by_effects {
        Stage::Expand => Stage::Contract,
        Stage::Contract => Stage::Expand,
    };
    let mut problem = Problem::refused(message!(
        "stage-disagreement",
        name = name.as_str(),
        kind = name.kind().as_str(),
        by_name = i32::from(by_name.number()),
        by_effects = i32::from(by_effects.number()),
        what = against.what.clone()
    ))
    .at(Place::span(std::sync::Arc::clone(&up.path), &up.text, against.span));
    problem.notes.extend(against.why.clone());
    let both = effects.iter().any(|effect| effect.reading == Reading::Expands)
        && effects.iter().any(|effect| effect.reading == Reading::Contracts);
    if both {
        problem.hints.push(message!("stage-disagreement-split-hint"));
    } else {
        problem.hints.push(message!("stage-disagreement-rename-hint", stage = i32::from(by_effects.number())));
    }
    problem.hints.push(message!("stage-disagreement-directive-hint", stage = i32::from(by_name.number())));
    problem
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Checksum;
    use crate::parse::parse;

    /// `1 because …`, `2 because …` or the refusal.
    fn stage(name: &str, sql: &str) -> String {
        let script = parse(sql);
        assert!(script.diagnostics.is_empty(), "{sql}: {:?}", script.diagnostics);
        let up = MigrationFile { path: "x.sql".into(), text: sql.to_owned(), checksum: Checksum::of(sql.as_bytes()) };
        match decide_stage(&MigrationName::new(name).unwrap(), &up, &script, &effects(&script)) {
            Ok(decision) => format!("{} {:?}", decision.stage.number(), decision.source),
            Err(problem) => format!(
                "refused at {}: {}",
                problem.place.as_ref().unwrap(),
                problem.notes.first().map_or("", |it| it.id)
            ),
        }
    }

    /// The stage by effects alone, under a name that promises nothing.
    #[track_caller]
    fn check(expected: i16, statements: &[&str]) {
        for sql in statements {
            assert_eq!(stage("users", sql).chars().next(), expected.to_string().chars().next(), "{sql}");
        }
    }

    #[test]
    fn what_the_running_code_does_not_notice_is_stage_1() {
        check(
            1,
            &[
                "CREATE TABLE t (id int PRIMARY KEY, o int REFERENCES orders)",
                "CREATE INDEX i ON t (a)",
                "CREATE INDEX CONCURRENTLY i ON t (a)",
                "ALTER TABLE t ADD COLUMN c int",
                "ALTER TABLE t ADD c int NOT NULL DEFAULT 0",
                "ALTER TABLE t ADD COLUMN c int REFERENCES o",
                "ALTER TABLE t ADD COLUMN c int; ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (c) REFERENCES o (id)",
                "ALTER TABLE t ADD COLUMN c int; ALTER TABLE t ADD CHECK (c > 0)",
                "ALTER TABLE t ADD COLUMN c int; CREATE UNIQUE INDEX ON t (c, lower(d))",
                "CREATE MATERIALIZED VIEW v AS SELECT 1 AS a; CREATE UNIQUE INDEX ON v (a)",
                "ALTER TABLE t ALTER c DROP NOT NULL",
                "ALTER TABLE t ALTER c SET DEFAULT 1",
                "ALTER TYPE e ADD VALUE 'x'",
                "CREATE TABLE t (a int); ALTER TABLE t DROP COLUMN a; DROP TABLE t; CREATE UNIQUE INDEX i ON t (b)",
                "CREATE TABLE IF NOT EXISTS t (a int); CREATE UNIQUE INDEX i ON t (a); ALTER TABLE t ADD CHECK (a > 0)",
                "CREATE TABLE public.t (a int); ALTER TABLE t DROP COLUMN a",
                "DROP TRIGGER IF EXISTS tr ON t; CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
                "INSERT INTO t VALUES (1)",
                "UPDATE t SET a = 1",
                "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE t; END $$",
                "GRANT SELECT ON t TO r",
                "DO $$ BEGIN CREATE TYPE e AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN NULL; END $$",
                "EXPLAIN DELETE FROM t",
                "DO $$ BEGIN EXECUTE 'ALTER TABLE t ADD COLUMN c int'; END $$",
                "DO $$ DECLARE n int; BEGIN SELECT count(*) INTO n FROM t; UPDATE t SET a = n; END $$",
                "DO $$ BEGIN CREATE TABLE t (a int); CREATE UNIQUE INDEX i ON t (a); ALTER TABLE t ADD CHECK (a > 0); END $$",
                "DO $$ BEGIN CREATE TABLE t (a int); END $$; CREATE UNIQUE INDEX i ON t (a)",
            ],
        );
    }

    #[test]
    fn what_the_running_code_may_need_is_stage_2() {
        check(
            2,
            &[
                "DROP TABLE t",
                "DROP VIEW v",
                "DROP INDEX i",
                "DROP FUNCTION f(int)",
                "DROP TYPE e",
                "ALTER TABLE t DROP COLUMN c",
                "ALTER TABLE t RENAME COLUMN c TO d",
                "ALTER TABLE t RENAME TO u",
                "ALTER TABLE t SET SCHEMA s",
                "ALTER TABLE t ALTER c TYPE bigint",
                "ALTER TABLE t ALTER c SET NOT NULL",
                "ALTER TABLE t ALTER c DROP DEFAULT",
                "ALTER TABLE t ADD CHECK (c > 0)",
                "ALTER TABLE t ADD CONSTRAINT u UNIQUE (c)",
                "ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES o",
                "ALTER TABLE t ADD COLUMN c int NOT NULL",
                "ALTER TABLE t DROP CONSTRAINT x",
                "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
                "ALTER TABLE t DETACH PARTITION p",
                "CREATE UNIQUE INDEX i ON t (a)",
                "DELETE FROM t WHERE a",
                "TRUNCATE t",
                "WITH d AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM d",
                "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE",
                "REVOKE SELECT ON t FROM r",
                "ALTER TYPE e RENAME VALUE 'a' TO 'b'",
                "ALTER VIEW v RENAME TO w",
                "ALTER DOMAIN d ADD CHECK (VALUE > 1)",
                "DO $$ BEGIN IF true THEN ALTER TABLE t DROP COLUMN c; END IF; END $$",
                "DO $$ BEGIN EXECUTE 'DROP TABLE ' || 't'; END $$",
                "DO $$ BEGIN EXECUTE 'DROP TABLE t'; END $$",
                "DO 'BEGIN DO $x$ BEGIN DROP TABLE t; END $x$; END'",
                "DO $$ BEGIN IF a THEN CREATE TABLE t (a int); END IF; ALTER TABLE t DROP COLUMN b; END $$",
                "DO LANGUAGE plperl 'x'",
                "DO $$ BEGIN ALTER TABEL t ADD c int; END $$",
                "DO $$ BEGIN CALL p(); END $$",
                "DROP TABLE t; CREATE TABLE t (a int)",
                "CREATE TABLE IF NOT EXISTS t (a int); ALTER TABLE t DROP COLUMN b",
                "CREATE TABLE IF NOT EXISTS t (a int); TRUNCATE t",
                "CREATE TABLE s.t (a int); ALTER TABLE t DROP COLUMN b",
                "ALTER TABLE t ADD COLUMN IF NOT EXISTS a int; ALTER TABLE t DROP COLUMN a",
            ],
        );
    }

    #[test]
    fn the_name_must_agree() {
        assert_eq!(stage("add_x", "ALTER TABLE t ADD COLUMN c int"), "1 Effects");
        assert_eq!(stage("remove_x", "ALTER TABLE t DROP COLUMN c"), "2 Effects");
        assert_eq!(
            stage("add_x", "CREATE TABLE a (b int);\nALTER TABLE t ADD c int,\n  DROP COLUMN d;"),
            "refused at x.sql:3:3: why-dropped"
        );
        assert_eq!(stage("remove_x", "SELECT 1;\nCREATE TABLE a (b int)"), "refused at x.sql:2:1: ");
        assert_eq!(stage("create_x", "ALTER TABLE t ALTER c SET NOT NULL"), "refused at x.sql:1:15: why-nulls-refused");
    }

    #[test]
    fn a_name_decides_where_the_effects_fit_both() {
        assert_eq!(stage("remove_x", "UPDATE t SET a = 1"), "2 Name");
        assert_eq!(stage("add_x", "INSERT INTO t VALUES (1)"), "1 Name");
        assert_eq!(stage("add_x", "DO $$ BEGIN EXECUTE 'x'; END $$"), "1 Name");
        assert_eq!(stage("x", "UPDATE t SET a = 1"), "1 Effects");
    }

    #[test]
    fn a_directive_overrules_both() {
        let sql = "-- lockkeeper: stage=1 reason=\"nobody reads it\"\nALTER TABLE t DROP COLUMN c";
        assert_eq!(stage("add_x", sql), "1 Directive");
    }
}
