//! `lint` with the built program, in projects without a database.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use lockkeeper_testkit::{Finished, Project};
use serde_json::Value;

const SLOW: &str = "ALTER TABLE orders ALTER COLUMN id TYPE bigint;\n";
const SLOW_BACK: &str = "SELECT 'nothing to undo: id stays';\n";

/// A project with these files in its folder of migrations, and no database.
pub fn project(files: &[(&str, &str)]) -> Project {
    let project = Project::new(env!("CARGO_BIN_EXE_lockkeeper"));
    project.write("migrations/.keep", "");
    for (name, text) in files {
        project.write(&format!("migrations/{name}"), text);
    }
    project
}

#[track_caller]
fn lint(project: &Project, args: &[&str], code: i32) -> Finished {
    let finished = project.lockkeeper([&["lint"], args].concat());
    assert_eq!(finished.code, Some(code), "{}\n{}", finished.stdout, finished.stderr);
    finished
}

/// `severity rule path:line` of each finding.
#[track_caller]
fn findings(project: &Project, args: &[&str], code: i32) -> Vec<String> {
    let finished = lint(project, &[args, &["--format", "json"]].concat(), code);
    let answer: Value = serde_json::from_str(&finished.stdout).unwrap();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let one = |it: &Value| format!("{} {} {}:{}", text(it, "severity"), text(it, "rule"), text(it, "path"), it["line"]);
    answer["findings"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn an_error_ends_with_exit_code_1_and_names_place_and_way_out() {
    let project = project(&[("01_ids_up.sql", SLOW), ("01_ids_down.sql", SLOW_BACK)]);
    let finished = lint(&project, &[], 1);
    for part in ["error[column-type-change]", "--> migrations/01_ids_up.sql:1:20", "^^^^", "help: ", "1 errors"] {
        assert!(finished.stdout.contains(part), "{part} in {}", finished.stdout);
    }
    let korean = lint(&project, &["--lang", "ko"], 1);
    assert!(korean.stdout.contains("오류[column-type-change]"), "{}", korean.stdout);
}

#[test]
fn what_becomes_safe_steps_is_a_note_and_loud_where_it_does_not() {
    let index = "CREATE INDEX i ON orders (day);\n";
    let as_written = format!("-- lockkeeper: as-written reason=\"small\"\n{index}");
    let body = "DO $$ BEGIN CREATE INDEX j ON orders (day); END $$;\n";
    let project = project(&[
        ("01_a_up.sql", index),
        ("01_a_down.sql", "DROP INDEX CONCURRENTLY i;\n"),
        ("02_b_up.sql", &as_written),
        ("02_b_down.sql", "DROP INDEX CONCURRENTLY i;\n"),
        ("03_c_up.sql", body),
        ("03_c_down.sql", "DROP INDEX CONCURRENTLY j;\n"),
    ]);
    let expected = |first: &str| {
        [
            format!("{first} index-without-concurrently migrations/01_a_up.sql:1"),
            "error index-without-concurrently migrations/02_b_up.sql:2".to_owned(),
            "error index-without-concurrently migrations/03_c_up.sql:1".to_owned(),
        ]
    };
    assert_eq!(findings(&project, &[], 1), expected("note"));
    project.write("lockkeeper.toml", "safe_rewrites = false\n");
    assert_eq!(findings(&project, &[], 1), expected("error"));
}

#[test]
fn the_project_sets_severities_and_allows_with_reasons() {
    let project = project(&[("01_ids_up.sql", SLOW), ("01_ids_down.sql", SLOW_BACK)]);
    project.write("lockkeeper.toml", "[lint]\nrules = { column-type-change = \"warning\" }\n");
    assert_eq!(findings(&project, &[], 0), ["warning column-type-change migrations/01_ids_up.sql:1"]);
    project.write("lockkeeper.toml", "[lint]\nrules = { column-type-change = \"off\" }\n");
    assert_eq!(findings(&project, &[], 0), Vec::<String>::new());
    let allow = |rule: &str, path: &str| {
        format!("[lint]\nallow = [{{ rule = \"{rule}\", path = \"{path}\", reason = \"x\" }}]\n")
    };
    project.write("lockkeeper.toml", &allow("column-type-change", "01_*_up.sql"));
    assert_eq!(findings(&project, &[], 0), Vec::<String>::new());
    project.write("lockkeeper.toml", &allow("drop-cascade", "*"));
    let unused = "warning unused-allow lockkeeper.toml:null";
    assert!(findings(&project, &[], 1).contains(&unused.to_owned()));
    project.write("lockkeeper.toml", "[lint]\nrules = { colum-type-change = \"off\" }\n");
    let refused = lint(&project, &[], 2);
    assert!(refused.stderr.contains("column-type-change"), "{}", refused.stderr);
}

#[test]
fn a_directive_allows_one_rule_in_one_statement() {
    let allowed = format!("-- lockkeeper: allow=column-type-change reason=\"empty everywhere\"\n{SLOW}{SLOW}");
    let project = project(&[("01_ids_up.sql", &allowed), ("01_ids_down.sql", SLOW_BACK)]);
    assert_eq!(findings(&project, &[], 1), ["error column-type-change migrations/01_ids_up.sql:3"]);
    let old = "-- lockkeeper: allow=drop-cascade reason=\"x\"\nSELECT 1;\n-- lockkeeper: allow=drop-casade reason=\"x\"\nSELECT 2;\n";
    project.write("migrations/01_ids_up.sql", old);
    let unused = ["warning unused-allow migrations/01_ids_up.sql:1", "warning unused-allow migrations/01_ids_up.sql:3"];
    assert_eq!(findings(&project, &[], 0), unused);
    project.write("migrations/01_ids_up.sql", "-- lockkeeper: allow=drop-cascade\nSELECT 1;\n");
    assert_eq!(findings(&project, &[], 1), ["error syntax-error migrations/01_ids_up.sql:1"]);
}

#[test]
fn a_file_by_itself_is_read_with_its_neighbours() {
    let project = project(&[
        ("01_create_t_up.sql", "CREATE TABLE t (a varchar(10));\n"),
        ("01_create_t_down.sql", "DROP TABLE t;\n"),
        ("02_widen_up.sql", "ALTER TABLE t ALTER a TYPE varchar(20);\n"),
        ("02_widen_down.sql", "SELECT 1;\n"),
        ("03_ids_up.sql", SLOW),
    ]);
    assert_eq!(findings(&project, &["migrations/02_widen_up.sql"], 0), Vec::<String>::new());
    assert_eq!(findings(&project, &["migrations/03_ids_up.sql"], 1).len(), 1);
    assert_eq!(lint(&project, &["nowhere"], 2).stdout, "");
    // One folder for each migration.
    project.write("diesel/2024-01-01-000000_a/up.sql", "DROP TABLE a CASCADE;\n");
    project.write("diesel/2024-01-01-000000_a/down.sql", "-- nothing\n");
    let of_folder = findings(&project, &["diesel"], 1);
    assert!(
        of_folder.contains(&"error down-without-statement diesel/2024-01-01-000000_a/down.sql:null".to_owned()),
        "{of_folder:?}"
    );
}

fn git(project: &Project, args: &[&str]) {
    let identity = ["-c", "user.name=Dev", "-c", "user.email=dev@shop.example", "-c", "commit.gpgsign=false"];
    let done = Command::new("git").current_dir(project.path()).args(identity).args(args).output().unwrap();
    assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn since_looks_only_at_what_a_branch_adds() {
    let project = project(&[("01_old_up.sql", SLOW), ("01_old_down.sql", SLOW_BACK)]);
    git(&project, &["init", "-q", "-b", "main"]);
    git(&project, &["add", "."]);
    git(&project, &["commit", "-q", "-m", "one"]);
    git(&project, &["checkout", "-q", "-b", "feature"]);
    project.write("migrations/02_create_t_up.sql", "CREATE TABLE t (a int);\n");
    project.write("migrations/02_create_t_down.sql", "DROP TABLE t;\n");
    git(&project, &["add", "."]);
    git(&project, &["commit", "-q", "-m", "two"]);
    // Not committed yet; what it alters is new in the same release.
    project.write("migrations/03_add_key_up.sql", "ALTER TABLE t ADD PRIMARY KEY (a);\nDROP SCHEMA s CASCADE;\n");
    project.write("migrations/03_add_key_down.sql", "DROP TABLE IF EXISTS t CASCADE;\n");
    let found = findings(&project, &["--since", "main"], 1);
    assert!(found.iter().all(|it| it.contains("03_add_key")), "{found:?}");
    assert!(!found.iter().any(|it| it.contains("primary-key")), "{found:?}");
    assert!(lint(&project, &["--since", "--help-me"], 2).stdout.is_empty());
    assert!(lint(&project, &["--since", "no-such-branch"], 2).stderr.contains("no-such-branch"));
}

#[test]
fn explain_tells_of_one_rule() {
    let project = project(&[]);
    let told = lint(&project, &["--explain", "drop-cascade"], 0).stdout;
    for heading in ["## What it finds", "## Why it hurts a running system", "## The way out", "DROP TABLE t CASCADE"] {
        assert!(told.contains(heading), "{told}");
    }
    assert!(lint(&project, &["--lang", "ko", "--explain", "drop-cascade"], 0).stdout.contains("## 찾는 것"));
    assert!(lint(&project, &["--explain", "drop-casacde"], 2).stderr.contains("drop-cascade"));
}

#[test]
fn sarif_carries_rules_and_regions() {
    let project = project(&[("01_ids_up.sql", SLOW), ("01_ids_down.sql", "-- nothing\n")]);
    let sarif: Value = serde_json::from_str(&lint(&project, &["--format", "sarif"], 1).stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
    }
    let first = run["results"].as_array().unwrap().iter().find(|it| it["ruleId"] == "column-type-change").unwrap();
    let place = &first["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "migrations/01_ids_up.sql");
    assert_eq!(
        place["region"],
        serde_json::json!({ "startLine": 1, "startColumn": 20, "endLine": 1, "endColumn": 47 })
    );
}

#[test]
fn hostile_text_ends_no_annotation() {
    let project =
        project(&[("01_a_up.sql", "ALTER TABLE \"x%0A::error file=a::b,\nc\" ALTER COLUMN id TYPE bigint;\n")]);
    let told = lint(&project, &["--format", "github"], 1).stdout;
    let line = told.lines().find(|line| line.contains("title=column-type-change")).unwrap();
    let start = "::error file=migrations/01_a_up.sql,line=2,col=4,endLine=2,endColumn=31,title=column-type-change::";
    assert!(line.starts_with(start), "{line}");
    assert!(line[start.len()..].starts_with("\"x%250A::error file=a::b,%0Ac\" "), "{line}");
    assert!(told.lines().all(|line| line.starts_with("::")), "{told}");
}

#[test]
fn nothing_of_a_file_or_its_name_acts_in_a_log() {
    let sql =
        "ALTER TABLE \"\u{1b}[31m\u{202e}t\u{7}\" ALTER COLUMN id TYPE bigint;\n-- ::warning::a comment\n::error::b\n";
    let project = project(&[("01_a,line=7:8%0A\n::error::x_up.sql", sql), ("02_b_up.sql", sql)]);
    let told = lint(&project, &["--format", "github"], 1).stdout;
    assert!(!told.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{told:?}");
    assert!(told.contains("file=migrations/01_a%2Cline=7%3A8%250A%0A%3A%3Aerror%3A%3Ax_up.sql,"), "{told}");
    let is_ours = |line: &str| {
        ["::error file=migrations/", "::warning file=migrations/", "::notice file=migrations/"]
            .iter()
            .any(|start| line.starts_with(start))
    };
    assert!(told.lines().all(is_ours), "{told}");
}

/// The schema as it was published, from the package that brings it along.
fn sarif_schema() -> Value {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let metadata: Value = serde_json::from_slice(&cargo.stdout).unwrap();
    let package = metadata["packages"].as_array().unwrap().iter().find(|it| it["name"] == "serde-sarif").unwrap();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    let schema = std::fs::read_to_string(manifest.with_file_name("src").join("schema.json")).unwrap();
    // One pattern has a bracket that closes nothing, which JavaScript takes for itself and stricter readers refuse.
    let strict = schema.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}\\\\]?$");
    assert_ne!(strict, schema);
    let schema: Value = serde_json::from_str(&strict).unwrap();
    assert!(schema["$id"].as_str().or(schema["id"].as_str()).unwrap().contains("sarif-schema-2.1.0"), "{schema:#}");
    schema
}

#[test]
fn sarif_is_valid_by_its_published_schema() {
    let schema = jsonschema::validator_for(&sarif_schema()).unwrap();
    let allowed = "-- lockkeeper: allow=column-type-change reason=\"empty \u{1b}[31m\"\nALTER TABLE orders ALTER id TYPE bigint;\n";
    let hostile =
        "/* 가😀 */ ALTER TABLE \"x\u{202e}{0}[a](https://b.example)\" ALTER COLUMN id TYPE bigint;\nSELEC 1;\n";
    let wide =
        "/* 가😀 */ ALTER TABLE orders ALTER COLUMN id TYPE bigint;\nALTER TABLE orders ALTER COLUMN id TYPE bigint;\n";
    let project = project(&[
        ("01_a up.sql", hostile),
        ("02_b_up.sql", allowed),
        ("02_b_down.sql", "-- nothing\n"),
        ("03_c_up.sql", wide),
    ]);
    for args in [&["--format", "sarif"][..], &["--format", "sarif", "--with-allowed"]] {
        let sarif: Value = serde_json::from_str(&lint(&project, args, 1).stdout).unwrap();
        let faults: Vec<String> =
            schema.iter_errors(&sarif).map(|it| format!("{}: {it}", it.instance_path())).collect();
        assert_eq!(faults, Vec::<String>::new());
        let run = &sarif["runs"][0];
        let results = run["results"].as_array().unwrap();
        let suppressed: Vec<_> = results.iter().filter(|it| !it["suppressions"].is_null()).collect();
        assert_eq!(suppressed.len(), args.len() - 2);
        for it in suppressed {
            assert_eq!(it["suppressions"][0]["kind"], "inSource");
            assert_eq!(it["suppressions"][0]["justification"], "empty \u{1b}[31m");
        }
        // Code points, of which the comment has eight, and not the nine of UTF-16.
        assert_eq!(run["columnKind"], "unicodeCodePoints");
        let of_wide = |it: &&Value| {
            let place = &it["locations"][0]["physicalLocation"];
            it["ruleId"] == "column-type-change" && place["artifactLocation"]["uri"] == "migrations/03_c_up.sql"
        };
        let wide: Vec<_> = results.iter().filter(of_wide).collect();
        let region = &wide[0]["locations"][0]["physicalLocation"]["region"];
        assert_eq!((region["startColumn"].as_u64(), region["endColumn"].as_u64()), (Some(29), Some(56)));
        let fingerprints: BTreeSet<&str> =
            results.iter().map(|it| it["partialFingerprints"]["ruleAndLine/v1"].as_str().unwrap()).collect();
        assert_eq!(fingerprints.len(), results.len());
    }
    // A document that says something else is refused.
    let wrong = serde_json::json!({ "version": "2.1.0", "runs": [{ "results": [{ "ruleId": 7 }] }] });
    assert!(!schema.is_valid(&wrong));
}

#[test]
fn what_bodies_do_is_found_where_it_stands() {
    let up = "CREATE FUNCTION tidy() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM carts;
  /* 가 */ DROP TABLE old_carts;
  EXECUTE format('ANALYZE %I', 'x');
END $$;
CREATE PROCEDURE s.swap() AS '
  ALTER TABLE carts ALTER note SET DEFAULT ''a'', DROP COLUMN total' LANGUAGE sql;
DO E'BEGIN\\n  IF true THEN ALTER TABLE carts ALTER id TYPE bigint; END IF;\\n  EXECUTE ''x '' || y; END';
DO $a$ BEGIN EXECUTE $b$CREATE INDEX i ON carts (id)$b$; END $a$;
";
    let project = project(&[("01_remove_bodies_up.sql", up), ("01_remove_bodies_down.sql", "SELECT 1;\n")]);
    let told: Value = serde_json::from_str(&lint(&project, &["--format", "json"], 1).stdout).unwrap();
    let wanted = |rule: &str| {
        let found = told["findings"].as_array().unwrap().iter().filter(|it| it["rule"] == rule);
        let place = |it: &Value| format!("{}:{}-{}:{}", it["line"], it["column"], it["end_line"], it["end_column"]);
        found.map(place).collect::<Vec<_>>()
    };
    assert_eq!(wanted("schema-change-in-function"), ["4:11-4:31", "8:21-8:49", "8:51-8:68"]);
    assert_eq!(wanted("dynamic-sql-in-function"), ["5:3-5:36"]);
    assert_eq!(wanted("column-type-change"), ["9:46-9:66"]);
    assert_eq!(wanted("unreadable-sql"), ["9:79-9:98"]);
    assert_eq!(wanted("index-without-concurrently"), ["10:25-10:53"]);
    // The same places in the other formats.
    let github = lint(&project, &["--format", "github"], 1).stdout;
    assert!(github.contains("line=4,col=11,endLine=4,endColumn=31,title=schema-change-in-function"), "{github}");
    assert!(github.contains("whenever tidy runs, it drops TABLE old_carts, and holds ACCESS EXCLUSIVE"), "{github}");
    let sarif = lint(&project, &["--format", "sarif"], 1).stdout;
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let region = &results.iter().find(|it| it["ruleId"] == "column-type-change").unwrap()["locations"][0];
    assert_eq!(region["physicalLocation"]["region"]["startColumn"], 46);
}

/// A script of so many statements of every kind that a rule looks back or ahead for.
fn long_script(statements: usize) -> String {
    let one = |at: usize| match at % 8 {
        0 => format!("CREATE TABLE t{at} (id bigint PRIMARY KEY, a int);\n"),
        1 => format!("ALTER TABLE old{at} ADD COLUMN c{at} int;\n"),
        2 => format!("ALTER TABLE old ADD CONSTRAINT k{at} CHECK (a > {at}) NOT VALID;\n"),
        3 => format!("ALTER TABLE old VALIDATE CONSTRAINT k{};\n", at - 1),
        4 => format!("CREATE INDEX i{at} ON t{} (a);\n", at - 4),
        5 => {
            format!("-- lockkeeper: allow=drop-column reason=\"nobody reads it\"\nALTER TABLE old DROP COLUMN d{at};\n")
        }
        6 => format!("CREATE VIEW v{at} AS SELECT a FROM t{};\n", at - 6),
        _ => format!("UPDATE old SET a = {at} WHERE id = {at};\n"),
    };
    (0..statements).map(one).collect()
}

#[test]
fn a_long_file_takes_as_long_for_each_statement_as_a_short_one() {
    let time_of = |statements: usize| {
        let project = project(&[("01_a_up.sql", &long_script(statements)), ("01_a_down.sql", "SELECT 1;\n")]);
        let began = Instant::now();
        let told = lint(&project, &["--format", "github"], 1).stdout;
        assert!(told.lines().count() > statements / 8);
        began.elapsed()
    };
    let (short, long) = (time_of(1_250), time_of(20_000));
    // Sixteen times as much: in proportion it would be 16, in the square 256. Other tests run beside this one.
    let ratio = long.as_secs_f64() / short.as_secs_f64();
    assert!(ratio < 64.0, "{short:?} for 1,250 statements, {long:?} for 20,000");
    assert!(long.as_secs() < 300, "{long:?}");
}
