//! The hazards that the linters of the field know, each in several forms, and the safe form of each.

use super::found;
use crate::rule::Example;
use crate::rules::named;

/// A hazard: the rules that know it, statements that have it, and statements that do the same without it.
struct Hazard {
    rules: &'static [&'static str],
    bad: &'static [&'static str],
    safe: &'static [&'static str],
    /// Migrations before it: names, up and down scripts.
    before: &'static [(&'static str, &'static str, &'static str)],
    /// `server_version_num` on which the bad statements are bad, and the safe ones are safe.
    versions: (i32, i32),
}

const fn hazard(rules: &'static [&'static str], bad: &'static [&'static str], safe: &'static [&'static str]) -> Hazard {
    Hazard { rules, bad, safe, before: &[], versions: (140_099, 140_099) }
}

impl Hazard {
    const fn after(self, before: &'static [(&'static str, &'static str, &'static str)]) -> Self {
        Self { before, ..self }
    }

    const fn on(self, bad: i32, safe: i32) -> Self {
        Self { versions: (bad, safe), ..self }
    }
}

const HAZARDS: &[Hazard] = &[
    hazard(
        &["index-without-concurrently"],
        &[
            "CREATE INDEX i ON t (a)",
            "CREATE UNIQUE INDEX ON t (a)",
            "DO $$ BEGIN EXECUTE 'CREATE INDEX i ON t (a)'; END $$",
        ],
        &["CREATE INDEX CONCURRENTLY i ON t (a)", "CREATE INDEX i ON ONLY t (a)"],
    ),
    hazard(
        &["drop-index-without-concurrently"],
        &["DROP INDEX i", "DROP INDEX IF EXISTS s.i, j"],
        &["DROP INDEX CONCURRENTLY i", "DROP INDEX CONCURRENTLY IF EXISTS i"],
    ),
    hazard(
        &["reindex-without-concurrently"],
        &["REINDEX TABLE t", "REINDEX INDEX i"],
        &["REINDEX TABLE CONCURRENTLY t", "REINDEX (CONCURRENTLY) INDEX i"],
    ),
    hazard(
        &["concurrently-in-transaction"],
        &["BEGIN; CREATE INDEX CONCURRENTLY i ON t (a); COMMIT", "DO $$ BEGIN REINDEX INDEX CONCURRENTLY i; END $$"],
        &["CREATE INDEX CONCURRENTLY i ON t (a)"],
    ),
    hazard(
        &["concurrent-index-if-not-exists"],
        &["CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)"],
        &["DROP INDEX CONCURRENTLY IF EXISTS i; CREATE INDEX CONCURRENTLY i ON t (a)"],
    ),
    hazard(
        &["foreign-key-without-not-valid"],
        &[
            "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o",
            "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES o (id)",
        ],
        &["ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o NOT VALID", "ALTER TABLE t VALIDATE CONSTRAINT c"],
    ),
    hazard(
        &["check-without-not-valid"],
        &["ALTER TABLE t ADD CHECK (a > 0)", "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)"],
        &["ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", "ALTER TABLE t VALIDATE CONSTRAINT c"],
    ),
    hazard(
        &["validate-in-same-transaction"],
        &[
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID, VALIDATE CONSTRAINT c",
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c",
        ],
        &["ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", "ALTER TABLE t VALIDATE CONSTRAINT c"],
    ),
    hazard(
        &["not-null-without-check"],
        &["ALTER TABLE t ALTER a SET NOT NULL"],
        &["ALTER TABLE t ALTER a DROP NOT NULL"],
    ),
    hazard(
        &["not-null-column-without-default"],
        &["ALTER TABLE t ADD COLUMN a int NOT NULL"],
        &["ALTER TABLE t ADD COLUMN a int", "ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT 0"],
    ),
    hazard(
        &["volatile-default"],
        &[
            "ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid()",
            "ALTER TABLE t ADD a timestamptz DEFAULT clock_timestamp()",
        ],
        &["ALTER TABLE t ADD COLUMN a timestamptz DEFAULT now()", "ALTER TABLE t ADD COLUMN a uuid"],
    ),
    hazard(
        &["numbered-column"],
        &["ALTER TABLE t ADD COLUMN a bigserial", "ALTER TABLE t ADD a bigint GENERATED ALWAYS AS IDENTITY"],
        &["ALTER TABLE t ADD COLUMN a bigint"],
    ),
    hazard(
        &["stored-generated-column"],
        &["ALTER TABLE t ADD COLUMN a int GENERATED ALWAYS AS (b + 1) STORED"],
        &["ALTER TABLE t ADD COLUMN a int"],
    ),
    hazard(
        &["new-column-with-check"],
        &["ALTER TABLE t ADD COLUMN a int CHECK (a > 0)"],
        &["ALTER TABLE t ADD COLUMN a int"],
    ),
    hazard(
        &["new-column-with-key"],
        &["ALTER TABLE t ADD COLUMN a int UNIQUE", "ALTER TABLE t ADD COLUMN a int PRIMARY KEY"],
        &["ALTER TABLE t ADD COLUMN a int"],
    ),
    hazard(
        &["unique-without-index"],
        &["ALTER TABLE t ADD UNIQUE (a)", "ALTER TABLE t ADD CONSTRAINT u UNIQUE (a, b)"],
        &["ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX i"],
    ),
    hazard(
        &["primary-key-without-index"],
        &["ALTER TABLE t ADD PRIMARY KEY (a)"],
        &["ALTER TABLE t ADD CONSTRAINT p PRIMARY KEY USING INDEX i"],
    ),
    hazard(
        &["exclusion-constraint"],
        &["ALTER TABLE t ADD EXCLUDE USING gist (a WITH =)"],
        &["CREATE TABLE u (a int, EXCLUDE USING gist (a WITH =))"],
    ),
    hazard(&["column-type-change"], &["ALTER TABLE t ALTER a TYPE bigint"], &["ALTER TABLE t ADD COLUMN b bigint"]),
    hazard(
        &["whole-table-copy"],
        &["ALTER TABLE t SET LOGGED", "ALTER TABLE t SET UNLOGGED", "ALTER TABLE t SET TABLESPACE x"],
        &["ALTER TABLE t SET (fillfactor = 70)"],
    ),
    hazard(
        &["vacuum-full"],
        &["VACUUM FULL t", "VACUUM (FULL, ANALYZE) t", "CLUSTER t USING i"],
        &["VACUUM t", "VACUUM (ANALYZE) t"],
    ),
    hazard(
        &["refresh-without-concurrently"],
        &["REFRESH MATERIALIZED VIEW v"],
        &["REFRESH MATERIALIZED VIEW CONCURRENTLY v"],
    ),
    hazard(
        &["attach-partition-without-check"],
        &["ALTER TABLE t ATTACH PARTITION p FOR VALUES IN (1)"],
        &["CREATE TABLE p (a int)"],
    ),
    hazard(
        &["detach-without-concurrently"],
        &["ALTER TABLE t DETACH PARTITION p"],
        &["ALTER TABLE t DETACH PARTITION p CONCURRENTLY"],
    ),
    hazard(
        &["partition-of-table-in-use"],
        &["CREATE TABLE p PARTITION OF t FOR VALUES IN (1)", "CREATE TABLE p PARTITION OF t DEFAULT"],
        &["CREATE TABLE p (LIKE t)"],
    ),
    hazard(
        &["trigger-on-table-in-use"],
        &[
            "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
            "DROP TRIGGER g ON t",
            "ALTER TABLE t DISABLE TRIGGER g",
            "ALTER TABLE t ENABLE TRIGGER ALL",
        ],
        &["CREATE TABLE t (a int); CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()"],
    ),
    hazard(
        &["drop-table"],
        &["DROP TABLE t", "DROP TABLE IF EXISTS s.t, u", "DO $$ BEGIN DROP TABLE t; END $$"],
        &["CREATE TABLE t (a int); DROP TABLE t"],
    ),
    hazard(
        &["drop-column"],
        &["ALTER TABLE t DROP COLUMN a", "ALTER TABLE t DROP a, DROP b"],
        &["ALTER TABLE t ADD COLUMN a int"],
    ),
    hazard(
        &["drop-constraint"],
        &["ALTER TABLE t DROP CONSTRAINT c"],
        &["ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID"],
    ),
    hazard(
        &["drop-object"],
        &[
            "DROP VIEW v",
            "DROP FUNCTION f(int)",
            "DROP TYPE e",
            "DROP SEQUENCE s",
            "DROP DOMAIN d",
            "DROP SCHEMA s",
            "DROP EXTENSION x",
        ],
        &["DROP VIEW v; CREATE VIEW v AS SELECT 1"],
    ),
    hazard(
        &["drop-cascade"],
        &["DROP TABLE t CASCADE", "ALTER TABLE t DROP COLUMN a CASCADE"],
        &["DROP TABLE t", "ALTER TABLE t DROP COLUMN a"],
    ),
    hazard(
        &["truncate"],
        &["TRUNCATE t", "TRUNCATE TABLE t, u CASCADE"],
        &["DELETE FROM t WHERE id BETWEEN 1 AND 1000"],
    ),
    hazard(&["write-without-where"], &["UPDATE t SET a = 1", "DELETE FROM t"], &["UPDATE t SET a = 1 WHERE id < 1000"]),
    hazard(
        &["schema-change-with-data-change"],
        &["ALTER TABLE t ADD COLUMN a int; UPDATE t SET a = 1 WHERE a IS NULL"],
        &["ALTER TABLE t ADD COLUMN a int", "UPDATE t SET a = 1 WHERE a IS NULL"],
    ),
    hazard(
        &["separate-alter-tables"],
        &["ALTER TABLE t ADD COLUMN a int; ALTER TABLE t ADD COLUMN b int"],
        &["ALTER TABLE t ADD COLUMN a int, ADD COLUMN b int"],
    ),
    hazard(
        &["unlimited-lock-timeout"],
        &["SET lock_timeout = 0", "SET LOCAL lock_timeout TO '0s'", "RESET ALL"],
        &["SET LOCAL lock_timeout = '2s'"],
    ),
    hazard(&["rename-column"], &["ALTER TABLE t RENAME COLUMN a TO b"], &["ALTER TABLE t ADD COLUMN b int"]),
    hazard(&["rename-table"], &["ALTER TABLE t RENAME TO u"], &["CREATE VIEW u AS SELECT * FROM t"]),
    hazard(
        &["domain-constraint-without-not-valid"],
        &["ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0)"],
        &["ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID", "ALTER DOMAIN d VALIDATE CONSTRAINT c"],
    ),
    hazard(&["open-transaction"], &["BEGIN; SELECT 1"], &["BEGIN; SELECT 1; COMMIT"]),
    hazard(
        &["foreign-key-without-index"],
        &["CREATE TABLE t (a int); ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o"],
        &["CREATE TABLE t (a int); CREATE INDEX i ON t (a); ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o"],
    ),
    hazard(
        &["concurrent-index-on-partitioned-table"],
        &["CREATE INDEX CONCURRENTLY i ON t (a)"],
        &["CREATE INDEX i ON ONLY t (a)"],
    )
    .after(&[("t", "CREATE TABLE t (a int) PARTITION BY LIST (a)", "DROP TABLE t")]),
    hazard(
        &["narrowed-type"],
        &["ALTER TABLE t ALTER a TYPE varchar(20)", "ALTER TABLE t ALTER b TYPE int"],
        &["ALTER TABLE t ALTER a TYPE varchar(90)", "ALTER TABLE t ALTER a TYPE text"],
    )
    .after(&[("t", "CREATE TABLE t (a varchar(50), b bigint)", "DROP TABLE t")]),
    hazard(
        &["collation-change"],
        &[r#"ALTER TABLE t ALTER a TYPE text COLLATE "C""#],
        &[r#"ALTER TABLE t ADD COLUMN b text COLLATE "C""#],
    ),
    hazard(
        &["policy-on-table-in-use"],
        &["CREATE POLICY p ON t USING (true)", "ALTER POLICY p ON t USING (false)", "DROP POLICY p ON t"],
        &["CREATE TABLE t (a int); CREATE POLICY p ON t USING (true)"],
    ),
    hazard(
        &["row-security-without-policy"],
        &["ALTER TABLE t ENABLE ROW LEVEL SECURITY"],
        &["CREATE POLICY p ON t USING (true); ALTER TABLE t ENABLE ROW LEVEL SECURITY"],
    ),
    hazard(
        &["changed-default"],
        &[
            "ALTER TABLE t ALTER a DROP NOT NULL",
            "ALTER TABLE t ALTER a DROP DEFAULT",
            "ALTER TABLE t ALTER a SET DEFAULT 1",
            "ALTER TABLE t ALTER a DROP IDENTITY",
            "ALTER TABLE t ALTER a DROP EXPRESSION",
        ],
        &["ALTER TABLE t ADD COLUMN a int DEFAULT 1"],
    ),
    hazard(
        &["enum-value-used-at-once"],
        &["ALTER TYPE mood ADD VALUE 'calm'; INSERT INTO people VALUES ('calm')"],
        &["ALTER TYPE mood ADD VALUE 'calm'"],
    ),
    hazard(
        &["enum-value-without-place"],
        &["ALTER TYPE mood ADD VALUE 'calm'", "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'calm'"],
        &["ALTER TYPE mood ADD VALUE 'calm' AFTER 'sad'", "ALTER TYPE mood ADD VALUE 'calm' BEFORE 'sad'"],
    ),
    hazard(
        &["rename-object"],
        &[
            "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'",
            "ALTER SCHEMA s RENAME TO r",
            "ALTER VIEW v RENAME TO w",
            "ALTER SEQUENCE s RENAME TO r",
        ],
        &["ALTER INDEX i RENAME TO j", "ALTER TABLE t RENAME CONSTRAINT c TO d"],
    ),
    hazard(
        &["replica-identity"],
        &["ALTER TABLE t REPLICA IDENTITY NOTHING", "ALTER TABLE t DROP CONSTRAINT t_pkey"],
        &["ALTER TABLE t DROP CONSTRAINT t_pkey, ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX i"],
    ),
    hazard(
        &["several-tables-in-one-transaction"],
        &["ALTER TABLE a ADD x int; ALTER TABLE b ADD x int"],
        &["ALTER TABLE a ADD x int, ADD y int"],
    ),
    hazard(&["varchar-limit"], &["CREATE TABLE t (a varchar(10))"], &["CREATE TABLE t (a text)"]),
    hazard(&["char-column"], &["CREATE TABLE t (a char(10))"], &["CREATE TABLE t (a text)"]),
    hazard(
        &["small-primary-key"],
        &["CREATE TABLE t (id serial PRIMARY KEY)", "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)"],
        &["CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)"],
    ),
    hazard(&["timestamp-without-time-zone"], &["CREATE TABLE t (a timestamp)"], &["CREATE TABLE t (a timestamptz)"]),
    hazard(&["json-column"], &["CREATE TABLE t (a json)"], &["CREATE TABLE t (a jsonb)"]),
    hazard(
        &["serial-column"],
        &["CREATE TABLE t (id bigserial PRIMARY KEY)"],
        &["CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)"],
    ),
    hazard(
        &["long-name"],
        &["CREATE TABLE ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt (a int)"],
        &["CREATE TABLE t (a int)"],
    ),
    hazard(&["drop-without-if-exists"], &["DROP TABLE t", "DROP VIEW v"], &["DROP TABLE IF EXISTS t"]),
    hazard(&["unqualified-table"], &["CREATE TABLE t (a int)"], &["CREATE TABLE shop.t (a int)"]),
    hazard(&["grant-to-public"], &["GRANT SELECT ON t TO PUBLIC"], &["GRANT SELECT ON t TO app"]),
    hazard(&["superuser-role"], &["CREATE ROLE r SUPERUSER"], &["CREATE ROLE r LOGIN"]),
    hazard(
        &["security-definer-without-search-path"],
        &["CREATE FUNCTION f() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'"],
        &["CREATE FUNCTION f() RETURNS int SECURITY DEFINER SET search_path = s LANGUAGE sql AS 'SELECT 1'"],
    ),
    hazard(&["extension-in-migration"], &["CREATE EXTENSION hstore"], &["CREATE SCHEMA s"]),
    hazard(
        &["concurrent-index-corruption"],
        &["CREATE INDEX CONCURRENTLY i ON t (a)", "REINDEX INDEX CONCURRENTLY i"],
        &["CREATE INDEX CONCURRENTLY i ON t (a)", "REINDEX INDEX CONCURRENTLY i"],
    )
    .on(140_003, 140_004),
    hazard(
        &["syntax-of-later-version"],
        &["ALTER TABLE t ADD CONSTRAINT n NOT NULL a NOT VALID", "ALTER TABLE t ADD CHECK (a > 0) NOT ENFORCED"],
        &["ALTER TABLE t ADD CONSTRAINT n NOT NULL a NOT VALID", "ALTER TABLE t ADD CHECK (a > 0) NOT ENFORCED"],
    )
    .on(170_099, 180_000),
    hazard(
        &["long-lock-timeout"],
        &["SET lock_timeout = '1min'", "SET LOCAL lock_timeout = 30000"],
        &["SET LOCAL lock_timeout = '2s'"],
    ),
    hazard(
        &["removal-of-what-is-used"],
        &["DROP TABLE orders", "ALTER TABLE orders DROP COLUMN total"],
        &["DROP VIEW open_orders; DROP TABLE orders"],
    )
    .after(&[("v", "CREATE VIEW open_orders AS SELECT total FROM orders", "DROP VIEW open_orders")]),
    hazard(
        &["dynamic-sql-in-function"],
        &[
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('UPDATE %I SET a = 1', x); END $$",
        ],
        &["CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET a = 1 WHERE b; END $$"],
    ),
];

#[test]
fn every_form_of_a_hazard_is_found_and_its_safe_form_passes() {
    let mut wrong = Vec::new();
    for hazard in HAZARDS {
        for name in hazard.rules {
            let rule = named(name).unwrap_or_else(|| panic!("{name}"));
            let example = |sql, version| Example::up(sql).after(hazard.before).on(version);
            let is_found = |sql, version| !found(rule, &example(sql, version), false).is_empty();
            let (bad_on, safe_on) = hazard.versions;
            let misses = hazard.bad.iter().filter(|sql| !is_found(sql, bad_on));
            wrong.extend(misses.map(|sql| format!("{name} misses {sql}")));
            let alarms = hazard.safe.iter().filter(|sql| is_found(sql, safe_on));
            wrong.extend(alarms.map(|sql| format!("{name} finds fault with {sql}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
