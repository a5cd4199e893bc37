//! What a DO block, a function or a procedure runs.

use super::statement::{ObjectKind, Statement};
use super::{ObjectName, Sql};
use crate::model::Span;

/// The SQL of a body, as far as it can be read. Its spans are those of the file, through every quoting.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Body {
    /// In the order in which they stand, whatever branch or loop holds them.
    pub statements: Vec<Statement>,
    pub unreadable: Vec<Unreadable>,
}

/// A part of a body that nobody knows beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    pub span: Span,
    pub why: UnreadableWhy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnreadableWhy {
    /// EXECUTE of text that is put together while it runs: by `format()`, by `||`, or from a variable of that name.
    Built(String),
    /// A procedure of that name, whose body stands elsewhere.
    Called(String),
    /// A language that is not read.
    Language(String),
    /// The grammar does not know it.
    Syntax,
    /// Bodies within bodies, or parentheses within parentheses, beyond every use.
    Depth,
}

/// CREATE FUNCTION and CREATE PROCEDURE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateRoutine {
    /// [`ObjectKind::Function`] or [`ObjectKind::Procedure`].
    pub object: ObjectKind,
    pub name: Option<ObjectName>,
    pub or_replace: bool,
    /// It runs with its owner's rights.
    pub security_definer: bool,
    /// SET `search_path` in its definition.
    pub sets_search_path: bool,
    /// What happens whenever it is called, and not when it is created.
    pub body: Body,
}

impl Body {
    /// Its statements and those of the DO blocks among them. What a routine that it creates would do is not among
    /// them.
    pub fn all_statements(&self) -> Vec<&Statement> {
        let mut all = Vec::new();
        for statement in &self.statements {
            all.push(statement);
            if let Sql::Do(inner) = &statement.sql {
                all.extend(inner.all_statements());
            }
        }
        all
    }

    /// What cannot be read in it, and in the DO blocks within it.
    pub fn all_unreadable(&self) -> Vec<&Unreadable> {
        let inner = self.statements.iter().flat_map(|statement| match &statement.sql {
            Sql::Do(inner) => inner.all_unreadable(),
            _ => Vec::new(),
        });
        self.unreadable.iter().chain(inner).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    /// What a body runs, each as it stands in the file; `?` before what cannot be read, and why.
    fn check(text: &str, expected: &[&str]) {
        let script = parse(text);
        assert_eq!(script.diagnostics, [], "{text}");
        let body = match &script.statements[0].sql {
            Sql::Do(body) => body,
            Sql::CreateRoutine(routine) => &routine.body,
            other => panic!("{other:?}"),
        };
        let mut told: Vec<String> =
            body.all_statements().iter().map(|statement| statement.span.of(text).to_owned()).collect();
        told.extend(body.all_unreadable().iter().map(|it| format!("? {:?} {}", it.why, it.span.of(text))));
        assert_eq!(told, expected, "{text}");
    }

    #[test]
    fn a_body_is_read_through_every_quoting() {
        check("DO $$ BEGIN DROP TABLE t; END $$", &["DROP TABLE t"]);
        check("DO $a$ BEGIN DROP TABLE t; END $a$ LANGUAGE plpgsql", &["DROP TABLE t"]);
        check(
            "DO 'BEGIN COMMENT ON TABLE t IS ''a''; DROP TABLE t; END'",
            &["COMMENT ON TABLE t IS ''a''", "DROP TABLE t"],
        );
        check("DO E'BEGIN\\n DROP TABLE t;\\tDROP TABLE u; END'", &["DROP TABLE t", "DROP TABLE u"]);
        check("-- 가\nDO $$ BEGIN /* 나 */ DROP TABLE t; END $$", &["DROP TABLE t"]);
    }

    #[test]
    fn routines_are_read_in_both_languages_and_as_the_standard_has_them() {
        let head = "CREATE FUNCTION f() RETURNS void";
        check(&format!("{head} LANGUAGE plpgsql AS $$ BEGIN DROP TABLE t; END $$"), &["DROP TABLE t"]);
        check(&format!("{head} AS $x$ DROP TABLE t; TRUNCATE u; $x$ LANGUAGE sql"), &["DROP TABLE t", "TRUNCATE u"]);
        check(&format!("{head} LANGUAGE SQL AS 'DROP TABLE t'"), &["DROP TABLE t"]);
        check(&format!("{head} LANGUAGE 'plpgsql' AS 'BEGIN DROP TABLE t; END'"), &["DROP TABLE t"]);
        check(
            &format!("{head} BEGIN ATOMIC DELETE FROM t; SELECT 1; INSERT INTO t VALUES (1); END"),
            &["DELETE FROM t", "INSERT INTO t VALUES (1)"],
        );
        check("CREATE FUNCTION f() RETURNS int RETURN 1", &[]);
        check(
            "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN TRUNCATE t; COMMIT; END $$",
            &["TRUNCATE t", "COMMIT"],
        );
        let python = "CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS 'return 1'";
        check(python, &[&format!("? Language(\"plpython3u\") {python}")]);
        let c = "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'lib', 'f'";
        check(c, &[&format!("? Language(\"c\") {c}")]);
    }

    #[test]
    fn every_branch_and_loop_is_looked_into() {
        check(
            "DO $$ DECLARE r record; c CURSOR FOR SELECT 1; n int := 0; BEGIN
               IF n = 0 THEN DROP TABLE a; ELSIF n = 1 THEN DROP TABLE b; ELSE DROP TABLE c; END IF;
               FOR r IN SELECT * FROM x LOOP UPDATE d SET a = 1; END LOOP;
               FOR r IN DELETE FROM e RETURNING * LOOP NULL; END LOOP;
               WHILE n < 9 LOOP n := n + 1; DROP TABLE f; END LOOP;
               CASE n WHEN 1 THEN DROP TABLE g; ELSE NULL; END CASE;
               BEGIN DROP TABLE h; EXCEPTION WHEN OTHERS THEN DROP TABLE i; END;
               SELECT a INTO n FROM t; PERFORM 1; RAISE NOTICE 'DROP TABLE z';
               DO $x$ BEGIN DROP TABLE j; END $x$;
             END $$",
            &[
                "DROP TABLE a",
                "DROP TABLE b",
                "DROP TABLE c",
                "UPDATE d SET a = 1",
                "DELETE FROM e RETURNING *",
                "DROP TABLE f",
                "DROP TABLE g",
                "DROP TABLE h",
                "DROP TABLE i",
                "SELECT a INTO n FROM t",
                "DO $x$ BEGIN DROP TABLE j; END $x$",
                "DROP TABLE j",
            ],
        );
    }

    #[test]
    fn into_fills_variables_and_hides_no_statement() {
        check(
            "DO $$ BEGIN
               SELECT a, b INTO STRICT n, r.x[1] FROM t WHERE c = 1;
               INSERT INTO t VALUES (1) RETURNING id INTO n;
               UPDATE t SET a = 1 RETURNING a, b INTO n, m;
               WITH x AS (DELETE FROM t RETURNING a) SELECT a INTO n FROM x;
               CREATE TABLE u AS SELECT 1;
             END $$",
            &[
                "SELECT a, b INTO STRICT n, r.x[1] FROM t WHERE c = 1",
                "INSERT INTO t VALUES (1) RETURNING id",
                "UPDATE t SET a = 1 RETURNING a, b",
                "WITH x AS (DELETE FROM t RETURNING a) SELECT a INTO n FROM x",
                "CREATE TABLE u AS SELECT 1",
            ],
        );
        let text = "DO $$ BEGIN SELECT a INTO n FROM t; END $$";
        let Sql::Do(body) = &parse(text).statements[0].sql else { panic!() };
        assert!(matches!(&body.statements[0].sql, Sql::Query { writes, .. } if writes.is_empty()), "{body:?}");
    }

    #[test]
    fn a_constant_is_executed_as_it_is_read() {
        check("DO $$ BEGIN EXECUTE 'DROP TABLE t'; END $$", &["DROP TABLE t"]);
        check("DO $$ BEGIN EXECUTE $q$DROP TABLE t$q$; END $$", &["DROP TABLE t"]);
        check("DO $$ BEGIN EXECUTE format('DROP TABLE t'); END $$", &["DROP TABLE t"]);
        check("DO 'BEGIN EXECUTE ''DROP TABLE t''; END'", &["DROP TABLE t"]);
        check("DO 'BEGIN EXECUTE ''COMMENT ON TABLE t IS ''''x''''''; END'", &["COMMENT ON TABLE t IS ''''x''''"]);
        check("DO $$ BEGIN EXECUTE 'UPDATE t SET a = $1' USING 1; END $$", &["UPDATE t SET a = $1"]);
    }

    #[test]
    fn what_is_put_together_is_told_by_what_does_it() {
        let built = |by: &str, what: &str| format!("? Built({by:?}) {what}");
        check(
            "DO $$ DECLARE r record; BEGIN
               EXECUTE format('DROP TABLE %I', x);
               EXECUTE 'DROP TABLE ' || x;
               EXECUTE v_sql;
               FOR r IN EXECUTE r.sql LOOP DROP TABLE t; END LOOP;
               CALL s.p(1);
             END $$",
            &[
                "DROP TABLE t",
                &built("format()", "EXECUTE format('DROP TABLE %I', x)"),
                &built("||", "EXECUTE 'DROP TABLE ' || x"),
                &built("v_sql", "EXECUTE v_sql"),
                &built("r.sql", "r.sql"),
                "? Called(\"s.p\") CALL s.p(1)",
            ],
        );
        check("DO $$ BEGIN EXECUTE 'DROP TABEL t'; END $$", &["? Syntax EXECUTE 'DROP TABEL t'"]);
        check("DO $$ BEGIN DROP TABEL t; DROP TABLE u; END $$", &["DROP TABLE u", "? Syntax DROP TABEL t"]);
    }
}
