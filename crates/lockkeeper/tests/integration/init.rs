//! What `init` and `new` write, and that it works.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use lockkeeper::settings::{Flags, Settings, load};

use crate::shop::{Run, Shop};

const WRITTEN: [&str; 6] =
    ["lockkeeper.toml", ".env.example", "allowed_signers", "migrate-up.sh", "migrations/", ".gitignore"];

/// A shop without even a folder of migrations.
fn bare() -> Shop {
    let shop = Shop::open();
    std::fs::remove_dir(shop.project.path().join("migrations")).unwrap();
    shop
}

fn list(run: &Run, key: &str) -> Vec<String> {
    let json = run.json();
    json[key].as_array().unwrap().iter().map(|path| path.as_str().unwrap().to_owned()).collect()
}

// ── init ───────────────────────────────────────────────────────────────────────────────────────

#[test]
fn init_writes_everything_once_and_nothing_over_anything() {
    let shop = bare();
    let first = shop.run("init").expect(0);
    assert_eq!(list(&first, "written"), WRITTEN);
    assert!(shop.project.path().join("migrations").is_dir());
    for path in &WRITTEN[..4] {
        shop.project.write(path, "# mine");
    }
    let ignored = shop.project.read(".gitignore");
    let second = shop.run("init").expect(0);
    assert_eq!((list(&second, "written"), list(&second, "kept")), (vec![], WRITTEN.map(str::to_owned).to_vec()));
    for path in &WRITTEN[..4] {
        assert_eq!(shop.project.read(path), "# mine", "{path}");
    }
    assert_eq!(shop.project.read(".gitignore"), ignored);
    assert!(!shop.has_ledger());
}

#[test]
fn dotenv_is_ignored_once_wherever_the_file_ends() {
    for (before, adds) in [
        ("", true),
        ("target", true),
        ("target\n", true),
        (".env\n", false),
        ("a\r\n/.env\r\n", false),
        ("#.env\n", true),
        (".env.local", true),
    ] {
        let shop = bare();
        shop.project.write(".gitignore", before);
        shop.run("init").expect(0);
        let text = shop.project.read(".gitignore");
        assert!(text.starts_with(before));
        assert_eq!(text != before, adds, "{before:?}");
        assert_eq!(text.lines().filter(|line| matches!(line.trim(), ".env" | "/.env")).count(), 1, "{text}");
    }
}

#[test]
fn the_example_of_settings_holds_no_password_and_is_understood() {
    let shop = bare();
    shop.run("init").expect(0);
    let example = shop.project.read(".env.example");
    shop.project.write(".env", &example);
    // The environment wins, so that this reaches the test's database whatever the example says.
    shop.run("status").expect(0);
}

#[test]
fn a_link_is_not_followed_and_a_folder_in_the_way_is_told() {
    let shop = bare();
    let elsewhere = shop.project.path().join("elsewhere");
    std::os::unix::fs::symlink(&elsewhere, shop.project.path().join("lockkeeper.toml")).unwrap();
    shop.run("init").expect(0);
    assert!(!elsewhere.exists(), "init wrote through a link");
}

/// Every key of the template with what stands there, uncommented.
fn uncommented(template: &str) -> String {
    let is_key = |line: &str| {
        line.split_once(" = ").is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    };
    let lines = template.lines().map(|line| match line.strip_prefix("# ") {
        Some(rest) if is_key(rest) => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn settings(shop: &Shop) -> Settings {
    load(&Flags { project_dir: Some(shop.project.path().to_owned()), ..Flags::default() }).unwrap()
}

#[test]
fn the_template_uncommented_is_the_defaults() {
    let (shop, plain) = (bare(), bare());
    shop.run("init").expect(0);
    let template = shop.project.read("lockkeeper.toml");
    let text = uncommented(&template);
    for key in [
        "host",
        "port",
        "name",
        "user",
        "sslmode",
        "sslrootcert",
        "allowed_signers",
        "expires_after",
        "author_may_approve",
        "lock_timeout",
        "statement_timeout",
        "connect_timeout",
        "lock_attempts",
        "safe_rewrites",
        "watch",
        "on_breach",
    ] {
        assert!(text.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key} is not in the template");
    }
    for written in [&template, &text] {
        shop.project.write("lockkeeper.toml", written);
        let (with, without) = (settings(&shop), settings(&plain));
        let relative =
            |settings: &Settings, path: &std::path::Path| path.strip_prefix(&settings.project_dir).unwrap().to_owned();
        assert_eq!(with.environment, without.environment);
        assert_eq!(with.limits, without.limits);
        assert_eq!(with.safe_rewrites, without.safe_rewrites);
        assert_eq!(relative(&with, &with.migrations), relative(&without, &without.migrations));
        assert_eq!(
            relative(&with, &with.approval.allowed_signers),
            relative(&without, &without.approval.allowed_signers)
        );
        assert_eq!(with.approval.expires_after, without.approval.expires_after);
        assert_eq!(with.approval.author_may_approve, without.approval.author_may_approve);
        assert!(with.approval.github.is_none());
        assert_eq!(with.release.terms, without.release.terms);
        assert_eq!(with.backup.rule, without.backup.rule);
        assert_eq!(with.backup.lock_wait, without.backup.lock_wait);
        assert_eq!(with.backup.timeout, without.backup.timeout);
    }
    // And the program reads it.
    shop.run("status").expect(0);
}

// ── migrate-up.sh ──────────────────────────────────────────────────────────────────────────────

/// Runs `migrate-up.sh` from another folder, as a CI step may.
fn migrate_up(shop: &Shop, args: &[&str], change: impl FnOnce(&mut Command)) -> Run {
    let script = shop.project.path().join("migrate-up.sh");
    let mut command = Command::new(&script);
    let program = shop.command("");
    command.args(args).current_dir("/").stdin(Stdio::null()).env_clear().env("LOCKKEEPER", program.get_program());
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    change(&mut command);
    Shop::finish(command)
}

fn with_script() -> Shop {
    let shop = bare();
    shop.run("init").expect(0);
    shop.customers();
    shop
}

#[test]
fn migrate_up_runs_stage_1_and_says_what_stage_2_waits_for() {
    let shop = with_script();
    let mode = std::fs::metadata(shop.project.path().join("migrate-up.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "{mode:o}");
    let run = migrate_up(&shop, &[], |_| {}).expect(0);
    assert_eq!(shop.applied(), [1]);
    run.says(&["stage 1 complete: 1 migration applied", "waits for stage 2", "nobody has approved this plan"]);
}

#[test]
fn migrate_up_hands_arguments_on_and_keeps_standard_output_clean() {
    let shop = with_script();
    let run = migrate_up(&shop, &["--json", "--point", "from_ci"], |_| {}).expect(0);
    assert_eq!(run.json()["applied"], serde_json::json!([1]));
    assert_eq!(shop.count("lockkeeper.rollback_points WHERE name = 'from_ci'"), 1);
}

#[test]
fn migrate_up_passes_every_exit_code_on() {
    let shop = with_script();
    let json = &["--json"];
    shop.pair("03_add_x", "SELECT no_such_column", "SELECT 1");
    migrate_up(&shop, json, |_| {}).refused(3, "migration-failed");
    shop.pair("03_add_x", "SELEC 1", "SELECT 1");
    migrate_up(&shop, json, |_| {}).refused(1, "syntax-error");
    shop.pair("03_add_x", "SELECT 1", "SELECT 1");
    shop.database.execute("UPDATE lockkeeper.lease SET expires_at = now() + interval '1 hour', holder = 'other'");
    migrate_up(&shop, json, |_| {}).refused(4, "lease-busy");
    shop.database.execute("UPDATE lockkeeper.lease SET expires_at = '-infinity'");
    migrate_up(&shop, json, |command| {
        command.env("DB_PORT", "1");
    })
    .expect(2);
    migrate_up(&shop, json, |_| {}).expect(0);
}

#[test]
fn migrate_up_names_the_setting_that_is_missing() {
    let shop = with_script();
    migrate_up(&shop, &[], |command| {
        command.env_remove("DB_HOST");
    })
    .expect(2)
    .says(&["no database server is named", "DB_HOST"]);
    migrate_up(&shop, &[], |command| {
        command.env_remove("DB_NAME");
    })
    .expect(2)
    .says(&["no database is named"]);
    migrate_up(&shop, &[], |command| {
        command.env("LOCKKEEPER", "no-such-program");
    })
    .expect(2)
    .says(&["no-such-program is not there"]);
    // What the project says itself counts as well as the environment.
    shop.project.write(".env", &format!("export DB_NAME={}\n", shop.database.name()));
    migrate_up(&shop, &[], |command| {
        command.env_remove("DB_NAME");
    })
    .expect(0);
}

#[test]
fn migrate_up_is_clean_by_shellcheck() {
    let shop = bare();
    shop.run("init").expect(0);
    let checked = Command::new("shellcheck").arg("--shell=sh").arg(shop.project.path().join("migrate-up.sh")).output();
    let checked = checked.unwrap_or_else(|error| {
        panic!("shellcheck: {error}. Install it: apt-get install shellcheck, or brew install shellcheck")
    });
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

// ── new ────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn new_numbers_on_in_the_style_of_the_newest_pair() {
    let shop = Shop::open();
    let created = |line: &str| list(&shop.run(line).expect(0), "created");
    assert_eq!(created("new create_a"), ["migrations/01_create_a_up.sql", "migrations/01_create_a_down.sql"]);
    shop.pair("01_create_a", "CREATE TABLE a (id int)", "DROP TABLE a");
    assert_eq!(created("new add_b")[0], "migrations/02_add_b_up.sql");
    shop.pair("02_add_b", "SELECT 1", "SELECT 1").pair("0099_add_c", "SELECT 1", "SELECT 1");
    assert_eq!(created("new remove_d")[0], "migrations/0100_remove_d_up.sql");
    shop.file("20261122093000_x.up.sql", "SELECT 1").file("20261122093000_x.down.sql", "SELECT 1");
    assert_eq!(created("new 고객")[1], "migrations/20261122093001_고객.down.sql");
    // A fresh pair says that it is to be written.
    shop.run("stage1").refused(1, "file-without-statement");
}

#[test]
fn new_refuses_names_that_are_none() {
    let shop = Shop::open();
    for name in ["\"add users\"", "../x", "a/b", "add;users", "add.users"] {
        shop.run(&format!("new {name}")).refused(2, "new-name-unfit");
    }
    assert_eq!(std::fs::read_dir(shop.project.path().join("migrations")).unwrap().count(), 0);
    bare().run("new add_a").refused(2, "folder-missing");
}

#[test]
fn new_says_the_kind() {
    let shop = Shop::open();
    for (name, kind) in [("add_a", "schema_add"), ("drop_a", "field_remove"), ("rework_a", "schema_modify")] {
        let shop = Shop::open();
        assert_eq!(shop.run(&format!("new {name}")).expect(0).json()["kind"], kind);
    }
    drop(shop);
}

// ── from nothing to a release ──────────────────────────────────────────────────────────────────

#[test]
fn a_stranger_follows_the_commands_from_nothing_to_a_release() {
    let shop = bare();
    shop.say("init").expect(0).says(&["lockkeeper new"]);
    shop.say("new add_users").expect(0);
    shop.file("01_add_users_up.sql", "CREATE TABLE users (id int, name text);\n")
        .file("01_add_users_down.sql", "DROP TABLE users;\n");
    shop.say("plan").expect(0).says(&["Stage 1", "01 add_users"]);
    shop.say("stage1").expect(0).says(&["stage 1 complete"]);
    shop.say("deployed --version 1.0").expect(0);
    shop.say("new remove_users_name").expect(0);
    shop.file("02_remove_users_name_up.sql", "ALTER TABLE users DROP COLUMN name;\n");
    shop.file("02_remove_users_name_down.sql", "ALTER TABLE users ADD COLUMN name text;\n");
    shop.say("stage1").expect(0).says(&["waiting: 02 remove_users_name"]);
    shop.say("deployed --version 2.0").expect(0);
    let key = shop.key("admin_key", &["-t", "ed25519"]);
    let line = shop.signer(crate::shop::ADMIN, crate::shop::ROLE, &key);
    shop.project.write("allowed_signers", &(shop.project.read("allowed_signers") + &line));
    shop.say(crate::shop::APPROVE).expect(0).says(&["lockkeeper stage2"]);
    shop.say("stage2").expect(0).says(&["stage 2 complete"]);
    shop.say("status").expect(0).says(&["completed"]);
    shop.say("log --verify").expect(0).says(&["the log is whole"]);
}
