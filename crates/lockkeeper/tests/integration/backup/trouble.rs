//! What goes wrong with a backup: whatever it is, nothing half-made is ever taken for a whole one.

use std::fs::{OpenOptions, read_dir};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use lockkeeper_testkit::Pooler;
use serde_json::json;

use super::yard::{ODD, Yard};
use crate::shop::{Shop, wait_until};

fn data_file(location: &Path) -> PathBuf {
    let files = read_dir(location.join("dump")).unwrap().flatten().map(|entry| entry.path());
    files
        .filter(|path| path.to_string_lossy().contains(".dat."))
        .max_by_key(|path| path.metadata().unwrap().len())
        .unwrap()
}

#[test]
fn one_bit_is_enough_to_be_found() {
    let yard = Yard::open();
    yard.shop.database.execute(ODD);
    let made = yard.create("");
    let file = data_file(Path::new(made["location"].as_str().unwrap()));
    let length = file.metadata().unwrap().len();
    let handle = OpenOptions::new().read(true).write(true).open(&file).unwrap();
    let mut byte = [0];
    handle.read_exact_at(&mut byte, length / 2).unwrap();
    handle.write_all_at(&[byte[0] ^ 1], length / 2).unwrap();
    // The cheap look of the list sees names and sizes alone; verifying reads every byte.
    assert_eq!(yard.list()[0]["state"], "present");
    let run = yard.verify("").expect(1);
    let name = file.file_name().unwrap().to_str().unwrap();
    assert_eq!(run.json()["findings"]["files"], json!([{ "what": "altered", "file": name }]), "{run}");
    assert_eq!(yard.list()[0]["verified"]["verdict"], "fail");
    // And what changes a size, is gone or was added, the list says too.
    handle.set_len(length - 1).unwrap();
    assert_eq!(yard.list()[0]["state"], "altered");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(yard.list()[0]["faults"], json!([{ "what": "missing", "file": name }]));
    std::fs::write(file.with_file_name("x"), "").unwrap();
    assert_eq!(yard.list()[0]["faults"][1], json!({ "what": "added", "file": "x" }));
}

#[test]
fn a_manifest_that_was_rewritten_is_not_believed() {
    let yard = Yard::open();
    yard.shop.database.execute("CREATE TABLE boats (id int); INSERT INTO boats VALUES (1), (2)");
    let made = yard.create("");
    let path = Path::new(made["location"].as_str().unwrap()).join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"boats\"", "\"ships\"")).unwrap();
    assert_eq!(yard.list()[0]["state"], "altered");
    yard.verify("").expect(1);
    // Without the ledger's word the folder is taken as it says, and the restore finds it out.
    let folder = path.parent().unwrap().display().to_string();
    let run = yard.verify(&format!("--folder {folder}")).expect(1);
    let differences = &run.json()["findings"]["differences"];
    assert_eq!(differences[0], json!({ "what": "table_missing", "name": "public.ships" }), "{run}");
    std::fs::write(&path, &text).unwrap();
    yard.verify("").expect(0);
}

#[test]
fn rows_that_the_restore_does_not_have_are_named() {
    let yard = Yard::open();
    yard.shop
        .database
        .execute("CREATE TABLE boats (id serial, name text); INSERT INTO boats (name) VALUES ('a'), ('b')");
    let made = yard.create("");
    let path = Path::new(made["location"].as_str().unwrap()).join("manifest.json");
    let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let tables = manifest["contents"]["tables"].as_array().unwrap();
    let place = tables.iter().position(|table| table["name"] == "boats").unwrap();
    let found = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut altered = manifest.clone();
        change(&mut altered);
        std::fs::write(&path, altered.to_string()).unwrap();
        let run = yard.verify(&format!("--folder {}", path.parent().unwrap().display())).expect(1);
        run.json()["findings"]["differences"].clone()
    };
    let boats = json!([{ "what": "rows", "name": "public.boats" }]);
    assert_eq!(found(&|it| it["contents"]["tables"][place]["held"]["count"] = json!(3)), boats);
    let values = json!([{ "what": "values", "name": "public.boats" }]);
    assert_eq!(found(&|it| it["contents"]["tables"][place]["held"]["sum"] = json!("1")), values);
    let behind = json!([{ "what": "sequence_behind", "name": "public.boats_id_seq" }]);
    let sequences = manifest["contents"]["sequences"].as_array().unwrap();
    let sequence = sequences.iter().position(|sequence| sequence["name"] == "boats_id_seq").unwrap();
    assert_eq!(found(&|it| it["contents"]["sequences"][sequence]["last"] = json!(3)), behind);
    let lacking = found_lacking(&yard, &path, &manifest);
    assert_eq!(lacking, json!(["no_such_extension"]));
}

fn found_lacking(yard: &Yard, path: &Path, manifest: &serde_json::Value) -> serde_json::Value {
    let mut altered = manifest.clone();
    altered["contents"]["extensions"] = json!(["no_such_extension"]);
    std::fs::write(path, altered.to_string()).unwrap();
    let run = yard.verify(&format!("--folder {}", path.parent().unwrap().display())).expect(6);
    run.json()["findings"]["lacks_extensions"].clone()
}

/// A `pg_dump` that writes something, says that it is there, and goes on for long.
const SLOW: &str = "for word; do case $word in --file=*) folder=${word#--file=};; esac; done\n\
    mkdir \"$folder\"; echo half >\"$folder/toc.dat\"; echo $$ >dump.pid.new; mv dump.pid.new dump.pid\n\
    trap 'exit 1' TERM; while :; do sleep 0.1; done";

#[track_caller]
fn pid_of_the_dump(yard: &Yard) -> String {
    let path = yard.shop.project.path().join("dump.pid");
    wait_until("the dump runs", || path.is_file());
    std::fs::read_to_string(path).unwrap().trim().to_owned()
}

fn is_alive(pid: &str) -> bool {
    // A process that nobody has waited for yet is over all the same.
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[test]
fn a_stop_ends_the_dump_and_leaves_nothing() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let yard = Yard::open();
        yard.stand_in(SLOW);
        let running = yard.shop.start("backup create");
        let pid = pid_of_the_dump(&yard);
        running.signal(signal);
        let run = running.wait().expect(code);
        assert!(!is_alive(&pid), "{run}");
        assert_eq!((yard.names(), yard.list().len()), (vec![], 0), "{run}");
    }
}

#[test]
fn a_kill_ends_the_dump_too_and_what_is_left_is_no_backup() {
    let yard = Yard::open();
    yard.stand_in(SLOW);
    let running = yard.shop.start("backup create");
    let pid = pid_of_the_dump(&yard);
    running.signal("KILL");
    running.wait();
    wait_until("the dump has ended", || !is_alive(&pid));
    let left = yard.names();
    assert!(left.len() == 1 && left[0].starts_with(".half-made-"), "{left:?}");
    assert_eq!(yard.list().len(), 0);
    yard.shop.run(&format!("backup verify --folder backups/{}", left[0])).expect(1);
    // The next one clears it away.
    yard.settings("");
    let run = yard.shop.say("backup create").expect(0);
    assert!(run.stderr.contains("half-made"), "{run}");
    assert_eq!(yard.names().len(), 1);
    assert!(!yard.names()[0].starts_with('.'));
}

#[test]
fn a_pg_dump_that_fails_leaves_nothing_and_says_why() {
    let yard = Yard::open();
    yard.stand_in("echo 'pg_dump: error: the disk fell off' >&2; exit 1");
    let run = yard.shop.run("backup create").refused(2, "backup-dump-failed");
    assert!(run.error()["text"].as_str().unwrap().contains("the disk fell off"), "{run}");
    for said in ["canceling statement due to statement timeout", "could not obtain lock on relation \"boats\""] {
        yard.stand_in(&format!("echo 'pg_dump: error: query failed: ERROR:  {said}' >&2; exit 1"));
        yard.shop.run("backup create").refused(4, "backup-lock");
    }
    assert_eq!((yard.names(), yard.list().len()), (vec![], 0));
}

#[test]
fn an_older_pg_dump_is_refused_before_anything_is_done() {
    let yard = Yard::open();
    let script = yard.script("old_dump", "echo 'pg_dump (PostgreSQL) 9.6.24'; touch was_run_$1");
    yard.settings(&format!("pg_dump = \"{}\"", script.display()));
    yard.shop.run("backup create").refused(2, "client-program-older");
    yard.settings("pg_dump = \"/nonexistent/pg_dump\"");
    yard.shop.run("backup create").refused(2, "client-program-missing");
    assert!(yard.names().is_empty());
    let asked: Vec<String> = read_dir(yard.shop.project.path())
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("was_run_"))
        .collect();
    assert_eq!(asked, ["was_run_--version"]);
}

#[test]
fn the_password_is_on_no_command_line() {
    let yard = Yard::open();
    // The stand-in writes down what everybody on the machine sees of it and of those above it, and its environment.
    yard.stand_in(
        "for pid in $$ $PPID; do tr '\\0' ' ' <\"/proc/$pid/cmdline\" >>seen.txt; echo >>seen.txt; done\n\
         env | sed 's/=.*//' | sort >names.txt; echo \"$PGPASSWORD\" >password.txt; exit 1",
    );
    let mut command = yard.shop.command("--json backup create --jobs 2");
    command.env("DB_PASSWORD", "hunter2-of-the-shop").env("PGOPTIONS", "-c search_path=evil").env("PGSERVICE", "other");
    let run = Shop::finish(command).refused(2, "backup-dump-failed");
    assert!(!run.to_string().contains("hunter2"), "{run}");
    let seen = yard.shop.project.read("seen.txt");
    assert!(seen.contains("--format=directory") && seen.contains("--snapshot=") && seen.contains("--jobs=2"), "{seen}");
    assert!(!seen.contains("hunter2"), "{seen}");
    assert_eq!(yard.shop.project.read("password.txt").trim(), "hunter2-of-the-shop");
    let names = yard.shop.project.read("names.txt");
    let has = |name: &str| names.lines().any(|line| line == name);
    assert!(has("PGPASSWORD") && has("PGHOST") && has("PGDATABASE"), "{names}");
    assert!(!has("PGOPTIONS") && !has("PGSERVICE") && !has("DB_PASSWORD"), "{names}");
}

#[test]
fn a_disk_that_is_full_leaves_nothing() {
    let yard = Yard::open();
    yard.shop.database.execute(
        "CREATE TABLE boats (id int, noise text);
         INSERT INTO boats SELECT n, md5(n::text) || md5((-n)::text) FROM generate_series(1, 20000) n;",
    );
    // No file may grow beyond 64 KiB: what a write finds on a full disk, on every machine.
    let command = yard.shop.command("--json backup create");
    let program = command.get_program().to_owned();
    let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\""]).arg(program).args(arguments);
    limited.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited.current_dir(yard.shop.project.path()).arg0("sh");
    let run = Shop::finish(limited).refused(2, "backup-dump-failed");
    assert!(run.error()["text"].as_str().unwrap().contains("error:"), "{run}");
    assert_eq!((yard.names(), yard.list().len()), (vec![], 0), "{run}");
}

#[test]
fn tables_that_may_not_be_read_are_named_before_anything_is_dumped() {
    let yard = Yard::open();
    let (database, role) = (&yard.shop.database, format!("backup_{}", yard.shop.database.name()));
    database.execute(&format!(
        "CREATE TABLE open_to_all (id int); CREATE TABLE \"Closed\" (id int); CREATE TABLE guarded (id int);
         ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
         CREATE ROLE {role} LOGIN; GRANT CREATE ON DATABASE {} TO {role};
         GRANT SELECT ON open_to_all, guarded TO {role};",
        database.name()
    ));
    let run_as = || {
        let mut command = yard.shop.command("--json backup create");
        command.env("DB_USER", &role);
        Shop::finish(command)
    };
    let run = run_as().refused(2, "backup-tables-forbidden");
    let text = run.error()["text"].as_str().unwrap().to_owned();
    assert!(text.contains("public.Closed") && !text.contains("open_to_all"), "{run}");
    database.execute(&format!("GRANT SELECT ON \"Closed\" TO {role}"));
    let run = run_as().refused(2, "backup-tables-filtered");
    assert!(run.error()["text"].as_str().unwrap().contains("public.guarded"), "{run}");
    database.execute("ALTER TABLE guarded DISABLE ROW LEVEL SECURITY");
    run_as().expect(0);
    database.execute(&format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}"));
}

#[test]
fn a_folder_that_git_would_take_is_refused() {
    let yard = Yard::open();
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        assert!(command.args(arguments).current_dir(yard.shop.project.path()).status().unwrap().success());
    };
    git(&["init", "--quiet"]);
    yard.shop.run("backup create").refused(2, "backup-in-repository");
    assert!(!yard.shop.has_ledger());
    yard.shop.project.write(".gitignore", "/backups/\n");
    yard.create("");
    yard.shop.project.write("lockkeeper.toml", "");
    yard.shop.run("backup create").refused(2, "backup-no-directory");
}

#[test]
fn somebody_who_holds_a_table_makes_it_give_up_in_time() {
    let yard = Yard::open();
    yard.shop.database.execute("CREATE TABLE boats (id int)");
    yard.settings("lock_wait = \"500ms\"");
    let holder = yard.shop.database.session();
    holder.execute("BEGIN; LOCK TABLE boats IN ACCESS EXCLUSIVE MODE");
    let run = yard.shop.run("backup create").expect(4);
    assert_eq!((yard.names(), yard.list().len()), (vec![], 0), "{run}");
    holder.execute("ROLLBACK");
    yard.create("");
}

#[test]
fn a_migration_beside_a_backup_gives_up_unharmed_and_goes_through_afterwards() {
    let yard = Yard::open();
    let text = format!("{} \"$@\" || exit; touch dumped; while [ ! -f go ]; do sleep 0.05; done", Yard::real());
    yard.stand_in_with(&text, "[limits]\nlock_attempts = 2\nlock_timeout = \"200ms\"\n");
    yard.shop.pair("01_create_boats", "CREATE TABLE boats (id int);\n", "DROP TABLE boats;\n");
    yard.shop.run("stage1").expect(0);
    yard.shop.database.execute("INSERT INTO boats VALUES (1)");
    yard.shop.pair("02_add_name", "ALTER TABLE boats ADD COLUMN name text;\n", "ALTER TABLE boats DROP COLUMN name;\n");
    let running = yard.shop.start("backup create");
    wait_until("the dump is written", || yard.shop.project.path().join("dumped").is_file());
    // The application reads and writes on; only who wants the table for itself waits.
    yard.shop.database.execute("SET lock_timeout = '100ms'; UPDATE boats SET id = 2; SELECT * FROM boats");
    yard.shop.run("stage1").expect(4);
    assert_eq!(yard.shop.applied(), [1]);
    yard.shop.project.write("go", "");
    running.wait().expect(0);
    yard.shop.run("stage1").expect(0);
    assert_eq!(yard.shop.applied(), [1, 2]);
    // What was written meanwhile is not in it.
    yard.verify("").expect(0);
}

#[test]
fn behind_a_pooler_no_backup_begins() {
    let pooler = Pooler::start(2);
    let shop = Shop::open().behind(&pooler);
    shop.run("backup create --directory backups").refused(2, "backup-pooled");
    assert!(!shop.has_ledger());
}
