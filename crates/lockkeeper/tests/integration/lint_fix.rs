//! `lint --fix` with the built program: what it writes, what it leaves, and that the schema comes out the same.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use lockkeeper_testkit::{Database, Finished, Project};

use crate::lint::project;

#[track_caller]
fn run(project: &Project, args: &[&str], code: i32) -> Finished {
    let finished = project.lockkeeper(args);
    assert_eq!(finished.code, Some(code), "{}\n{}", finished.stdout, finished.stderr);
    finished
}

/// The names in the folder of migrations, in order.
fn names(project: &Project) -> Vec<String> {
    let entries = std::fs::read_dir(project.path().join("migrations")).unwrap();
    let mut names: Vec<String> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != ".keep");
    names.sort();
    names
}

const SETUP: (&str, &str) = (
    "CREATE TABLE users (id bigint PRIMARY KEY, name text, mail text, points int);\n\
     CREATE TABLE nicknames (id bigint PRIMARY KEY, users_id bigint);\n",
    "DROP TABLE nicknames;\nDROP TABLE users;\n",
);

/// Each of them is mended, and by another remedy.
const CHANGES: &[(&str, &str, &str)] = &[
    (
        "02_mail",
        "ALTER TABLE users ADD COLUMN age int;\nCREATE INDEX users_by_mail ON users (mail);\n",
        "DROP INDEX users_by_mail;\nALTER TABLE users DROP COLUMN age;\n",
    ),
    ("02_points", "CREATE INDEX users_by_points ON users (points);\n", "DROP INDEX users_by_points;\n"),
    (
        "02_positive",
        "ALTER TABLE users ADD CONSTRAINT positive CHECK (points > 0);\n",
        "ALTER TABLE users DROP CONSTRAINT positive;\n",
    ),
    (
        "02_owner",
        "ALTER TABLE nicknames ADD CONSTRAINT owner FOREIGN KEY (users_id) REFERENCES users (id) ON DELETE CASCADE;\n",
        "ALTER TABLE nicknames DROP CONSTRAINT owner;\n",
    ),
    ("02_begin", "BEGIN;\nALTER TABLE users ADD COLUMN age int;\nCOMMIT;\n", "ALTER TABLE users DROP COLUMN age;\n"),
    (
        "02_names",
        "ALTER TABLE users ADD COLUMN full_name text, DROP COLUMN name;\nDROP TABLE nicknames;\n",
        "CREATE TABLE nicknames (id bigint PRIMARY KEY, users_id bigint);\n\
         ALTER TABLE users ADD COLUMN name text, DROP COLUMN full_name;\n",
    ),
];

/// The schema after all files of the folder, in their order.
fn schema(project: &Project) -> String {
    let database = Database::create();
    for name in names(project).iter().filter(|name| name.ends_with("_up.sql")) {
        let text = project.read(&format!("migrations/{name}"));
        // Without a transaction around them, as Lockkeeper runs a statement that stands by itself.
        for statement in text.split(";\n").filter(|statement| !statement.trim().is_empty()) {
            database.execute(statement);
        }
    }
    database.dump()
}

#[test]
fn the_schema_after_the_mended_files_is_that_of_the_original_ones() {
    for (name, up, down) in CHANGES {
        let project = project(&[
            ("01_setup_up.sql", SETUP.0),
            ("01_setup_down.sql", SETUP.1),
            (&format!("{name}_up.sql"), up),
            (&format!("{name}_down.sql"), down),
        ]);
        project.write("lockkeeper.toml", "safe_rewrites = false\n");
        let before = (names(&project), schema(&project));
        let told = project.lockkeeper(["lint", "--fix"]);
        assert!(told.stderr.contains("mended "), "{name}: {}{}", told.stdout, told.stderr);
        let text = |name: &String| project.read(&format!("migrations/{name}"));
        let changed = names(&project) != before.0 || text(&format!("{name}_up.sql")) != *up;
        assert!(changed, "{name}: {}{}", told.stdout, told.stderr);
        assert_eq!(schema(&project), before.1, "{name}");
        // The files are a history that the program itself takes, there and back.
        run(&project, &["verify"], 0);
    }
}

#[test]
fn a_dry_run_shows_a_diff_and_writes_nothing() {
    let index = "CREATE INDEX users_by_mail ON users (mail);\n";
    let project =
        project(&[("07_mail_up.sql", index), ("07_mail_down.sql", "DROP INDEX CONCURRENTLY users_by_mail;\n")]);
    let told = run(&project, &["lint", "--fix", "--dry-run"], 0);
    let expected = "--- a/migrations/07_mail_up.sql\n+++ b/migrations/07_mail_up.sql\n@@ -1 +1 @@\n\
                    -CREATE INDEX users_by_mail ON users (mail);\n+CREATE INDEX CONCURRENTLY users_by_mail ON users (mail);\n";
    assert!(told.stdout.starts_with(expected), "{}", told.stdout);
    assert_eq!(project.read("migrations/07_mail_up.sql"), index);
    let patched = told.stdout.lines().take(5).collect::<Vec<_>>().join("\n") + "\n";
    project.write("fix.patch", &patched);
    let applied = Command::new("git").current_dir(project.path()).args(["apply", "fix.patch"]).status().unwrap();
    assert!(applied.success());
    assert!(project.read("migrations/07_mail_up.sql").contains("CONCURRENTLY"));
}

#[test]
fn permissions_stay_and_new_files_get_those_of_their_neighbours() {
    let (_, up, down) = CHANGES[0];
    let project = project(&[("07_mail_up.sql", up), ("07_mail_down.sql", down)]);
    let path = |name: &str| project.path().join("migrations").join(name);
    for name in ["07_mail_up.sql", "07_mail_down.sql"] {
        std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(0o664)).unwrap();
    }
    project.lockkeeper(["lint", "--fix"]);
    assert_eq!(names(&project).len(), 4);
    for name in names(&project) {
        assert_eq!(std::fs::metadata(path(&name)).unwrap().permissions().mode() & 0o777, 0o664, "{name}");
    }
}

fn git(project: &Project, args: &[&str]) {
    let identity = ["-c", "user.name=Dev", "-c", "user.email=dev@shop.example", "-c", "commit.gpgsign=false"];
    let done = Command::new("git").current_dir(project.path()).args(identity).args(args).output().unwrap();
    assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn what_git_could_not_bring_back_is_left_alone() {
    let index = "CREATE INDEX users_by_mail ON users (mail);\n";
    let down = "DROP INDEX CONCURRENTLY users_by_mail;\n";
    let project = project(&[("07_mail_up.sql", index), ("07_mail_down.sql", down)]);
    git(&project, &["init", "-q"]);
    let up = || project.read("migrations/07_mail_up.sql");
    // Git does not know it yet.
    let told = run(&project, &["lint", "--fix"], 0);
    assert!(told.stdout.contains("--allow-dirty"), "{}", told.stdout);
    assert_eq!(up(), index);
    git(&project, &["add", "."]);
    run(&project, &["lint", "--fix"], 0);
    assert!(up().contains("CONCURRENTLY"));
    // Changed, and not added.
    let more = "CREATE INDEX users_by_mail ON users (mail, id);\n";
    project.write("migrations/07_mail_up.sql", more);
    run(&project, &["lint", "--fix"], 0);
    assert_eq!(up(), more);
    run(&project, &["lint", "--fix", "--allow-dirty"], 0);
    assert!(up().contains("CONCURRENTLY"));
}

#[test]
fn an_applied_migration_is_left_alone() {
    let database = Database::create();
    let up = "CREATE TABLE users (id serial PRIMARY KEY, at timestamp);\n";
    let project = project(&[("01_create_users_up.sql", up), ("01_create_users_down.sql", "DROP TABLE users;\n")]);
    let project = project.with_env(database.env());
    run(&project, &["stage1"], 0);
    let told = run(&project, &["lint", "--fix", "--db"], 0);
    assert!(told.stdout.contains("applied"), "{}", told.stdout);
    assert_eq!(project.read("migrations/01_create_users_up.sql"), up);
    // Nobody asked the ledger.
    run(&project, &["lint", "--fix"], 0);
    let mended = "CREATE TABLE users (id bigserial PRIMARY KEY, at timestamptz);\n";
    assert_eq!(project.read("migrations/01_create_users_up.sql"), mended);
}
