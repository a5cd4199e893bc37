//! The ledger: the rights it needs, the versions it knows, and the event log that proves itself.

use lockkeeper_testkit::Database;

use lockkeeper_engine::ledger::LEDGER_VERSION;

use crate::shop::{Run, Shop};

/// A role of the test's own, with these rights, gone at its end.
struct Role<'d> {
    name: String,
    database: &'d Database,
}

impl<'d> Role<'d> {
    fn new(database: &'d Database, grants: &[&str]) -> Self {
        let name = format!("{}_role", database.name());
        database.execute(&format!("CREATE ROLE {name} LOGIN"));
        for grant in grants {
            database.execute(&format!("GRANT {grant} TO {name}"));
        }
        Self { name, database }
    }

    /// Runs a command as this role.
    fn run(&self, shop: &Shop, line: &str) -> Run {
        shop.run(&format!("{line} --user {}", self.name))
    }
}

impl Drop for Role<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.database.execute(&format!("DROP OWNED BY {0} CASCADE; DROP ROLE {0}", self.name));
        }
    }
}

const READER: [&str; 2] = ["USAGE ON SCHEMA lockkeeper", "SELECT ON ALL TABLES IN SCHEMA lockkeeper"];

// ── rights ─────────────────────────────────────────────────────────────────────────────────────

#[test]
fn reading_needs_no_more_than_select_and_writes_nothing() {
    let shop = Shop::awaiting_approval();
    let reader = Role::new(&shop.database, &READER);
    let before =
        shop.database.query("SELECT (SELECT count(*) FROM lockkeeper.events), (SELECT term FROM lockkeeper.lease)");
    for read_only in ["off", "on"] {
        shop.database.execute(&format!(
            "ALTER ROLE {} IN DATABASE {} SET default_transaction_read_only = {read_only}",
            reader.name,
            shop.database.name()
        ));
        for command in ["status", "plan", "log", "log --verify", "backup list"] {
            reader.run(&shop, command).expect(0);
        }
    }
    let after =
        shop.database.query("SELECT (SELECT count(*) FROM lockkeeper.events), (SELECT term FROM lockkeeper.lease)");
    assert_eq!(after, before);
    // The same command by its owner says the same.
    let gates = |run: &Run| {
        let mut gates = run.json()["gates"].clone();
        // A second may have passed.
        gates.as_array_mut().unwrap().iter_mut().for_each(|gate| gate["age_s"] = serde_json::Value::Null);
        gates
    };
    assert_eq!(gates(&reader.run(&shop, "status")), gates(&shop.run("status")));
}

#[test]
fn a_reader_who_wants_to_write_is_refused_and_nothing_changes() {
    let shop = Shop::awaiting_approval();
    shop.pair("03_create_c", "CREATE TABLE c (id int)", "DROP TABLE c");
    let reader = Role::new(&shop.database, &READER);
    let before = (shop.database.dump(), shop.events());
    for command in ["stage1", "deployed --version 9", "rollback before_schema_add --yes"] {
        let run = reader.run(&shop, command);
        assert!(matches!(run.code, Some(2 | 3)), "{run}");
        assert_eq!(run.error()["server"]["sqlstate"], "42501", "{run}");
    }
    assert_eq!((shop.database.dump(), shop.events()), before);
}

#[test]
fn a_role_that_may_not_even_read_is_told_the_grant() {
    let shop = Shop::awaiting_approval();
    let stranger = Role::new(&shop.database, &[]);
    for command in ["status", "plan", "stage1"] {
        let run = stranger.run(&shop, command).refused(2, "ledger-unreadable").sqlstate("42501");
        assert_eq!(run.hints(), ["ledger-unreadable-hint"]);
        assert!(run.to_string().contains(&format!("TO {}", stranger.name)), "{run}");
    }
}

#[test]
fn a_role_without_create_on_the_database_is_told_the_grant() {
    let shop = Shop::open();
    shop.customers();
    let role = Role::new(&shop.database, &["CREATE ON SCHEMA public"]);
    let run = role.run(&shop, "stage1").refused(2, "ledger-not-created").sqlstate("42501");
    assert_eq!(run.hints(), ["ledger-not-created-grant-hint"]);
    assert!(run.to_string().contains("GRANT CREATE ON DATABASE"), "{run}");
    assert!(!shop.has_ledger() && !shop.exists("customers"));
    shop.database.execute(&format!("GRANT CREATE ON DATABASE {} TO {}", shop.database.name(), role.name));
    role.run(&shop, "stage1").expect(0);
    role.run(&shop, "deployed").expect(0);
    role.run(&shop, "log --verify").expect(0);
    assert_eq!(shop.applied(), [1]);
}

#[test]
fn a_schema_made_by_the_administrator_is_enough() {
    let shop = Shop::open();
    shop.customers();
    let role = Role::new(&shop.database, &["CREATE ON SCHEMA public"]);
    shop.database.execute(&format!("CREATE SCHEMA lockkeeper AUTHORIZATION {}", role.name));
    role.run(&shop, "status").expect(0);
    role.run(&shop, "stage1").expect(0);
    assert_eq!(shop.applied(), [1]);
}

#[test]
fn a_migration_beyond_the_roles_rights_fails_as_a_whole() {
    let shop = Shop::open();
    shop.database.execute("CREATE TABLE theirs (id int)");
    let role = Role::new(&shop.database, &["CREATE ON SCHEMA public"]);
    shop.database.execute(&format!("GRANT CREATE ON DATABASE {} TO {}", shop.database.name(), role.name));
    let before = shop.database.dump();
    shop.pair("01_add_a", "CREATE TABLE a (id int);\nALTER TABLE theirs ADD a int;", "DROP TABLE a");
    let run = role.run(&shop, "stage1").refused(3, "migration-failed").sqlstate("42501");
    assert_eq!(run.hints()[0], "sqlstate-privilege-hint");
    assert_eq!((shop.database.dump(), shop.applied()), (before, vec![]));
}

#[test]
fn a_server_that_takes_no_writes_is_told_as_such() {
    let shop = Shop::open();
    shop.customers();
    shop.database.execute(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", shop.database.name()));
    let run = shop.run("stage1").refused(2, "ledger-not-created").sqlstate("25006");
    assert_eq!(run.hints(), ["ledger-read-only-hint"]);
    assert!(!shop.has_ledger());
}

// ── versions ───────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_ledger_newer_than_the_program_is_left_alone() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    shop.pair("03_create_c", "CREATE TABLE c (id int)", "DROP TABLE c");
    shop.database.execute("INSERT INTO lockkeeper.ledger_versions VALUES (99, '9.9')");
    let before = (shop.database.dump(), shop.events());
    for command in [
        "status",
        "plan",
        "stage1",
        "stage2",
        "deployed",
        "log",
        "rollback before_schema_add --yes",
        crate::shop::APPROVE,
    ] {
        let run = shop.run(command).refused(2, "ledger-newer");
        assert!(run.to_string().contains("99"), "{run}");
    }
    assert_eq!((shop.database.dump(), shop.events()), before);
}

#[test]
fn the_ledger_is_made_once_and_never_again() {
    let shop = Shop::open();
    shop.customers();
    shop.run("stage1").expect(0);
    let identity = shop.database.query("SELECT ledger_id FROM lockkeeper.identity");
    shop.pair("03_create_c", "CREATE TABLE c (id int)", "DROP TABLE c");
    shop.run("stage1").expect(0);
    assert_eq!(shop.database.query("SELECT ledger_id FROM lockkeeper.identity"), identity);
    let versions: Vec<Vec<String>> = (1..=LEDGER_VERSION).map(|version| vec![version.to_string()]).collect();
    assert_eq!(shop.database.query("SELECT version FROM lockkeeper.ledger_versions ORDER BY 1"), versions);
}

#[test]
fn two_that_come_first_at_once_make_one_ledger() {
    let shop = Shop::open();
    shop.customers();
    let running: Vec<_> = (0..4).map(|_| shop.start("stage1")).collect();
    let codes: Vec<_> = running.into_iter().map(|one| one.wait().code.unwrap()).collect();
    assert!(codes.contains(&0) && codes.iter().all(|code| matches!(code, 0 | 4)), "{codes:?}");
    assert_eq!(shop.applied(), [1]);
    assert_eq!(shop.count("lockkeeper.identity"), 1);
    shop.run("log --verify").expect(0);
}

#[test]
fn the_invariants_hold_in_the_database_too() {
    let shop = Shop::awaiting_approval();
    let refused = |sql: &str| {
        let checked = format!(
            "DO $$ BEGIN {sql}; RAISE EXCEPTION 'let in'; EXCEPTION WHEN check_violation OR unique_violation OR not_null_violation \
             OR foreign_key_violation THEN END $$"
        );
        shop.database.execute(&checked);
    };
    refused("INSERT INTO lockkeeper.releases (state, started_by) VALUES ('expanding', 'x')");
    refused("UPDATE lockkeeper.releases SET state = 'nonsense'");
    refused("UPDATE lockkeeper.releases SET state = 'completed'");
    refused("UPDATE lockkeeper.releases SET deployed_by = NULL");
    refused("UPDATE lockkeeper.migrations SET applied_at = NULL");
    refused("UPDATE lockkeeper.migrations SET state = 'rolled_back'");
    refused("UPDATE lockkeeper.migrations SET stage = 3");
    refused("DELETE FROM lockkeeper.releases");
    refused("INSERT INTO lockkeeper.lease VALUES (9, 'a', 'b', 1, 'c', now(), now())");
    refused("INSERT INTO lockkeeper.identity DEFAULT VALUES");
}

// ── the event log ──────────────────────────────────────────────────────────────────────────────

/// The log of a stage 1 and a deploy, changed behind our back with the append-only trigger off, is found
/// broken at that event and in that way.
#[track_caller]
fn broken(change: &str, at: i64, how: &str) {
    let shop = Shop::awaiting_approval();
    shop.run("log --verify").expect(0);
    shop.database.execute(&format!(
        "ALTER TABLE lockkeeper.events DISABLE TRIGGER USER; {change}; ALTER TABLE lockkeeper.events ENABLE TRIGGER USER"
    ));
    let run = shop.run("log --verify").refused(1, "log-broken");
    let text = run.error()["text"].as_str().unwrap().to_owned();
    assert!(text.contains(&format!("event {at}:")) && text.contains(how), "{change}: {text}");
}

#[test]
fn an_altered_event_is_found() {
    for column in [
        "payload = replace(payload, 'create_customers', 'drop_everything')",
        "actor = 'nobody'",
        "kind = 'migration_rolled_back'",
        "at = at + interval '1 microsecond'",
        "release_id = NULL",
        "hash = sha256('x')",
    ] {
        broken(&format!("UPDATE lockkeeper.events SET {column} WHERE seq = 3"), 3, "altered");
    }
    broken("UPDATE lockkeeper.events SET previous = sha256('x') WHERE seq = 3", 3, "does not follow");
}

#[test]
fn fields_cannot_be_shifted_into_one_another() {
    broken(
        "UPDATE lockkeeper.events SET actor = actor || left(kind, 1), kind = substr(kind, 2) WHERE seq = 3",
        3,
        "altered",
    );
}

#[test]
fn a_removed_event_is_found() {
    broken("DELETE FROM lockkeeper.events WHERE seq = 3", 4, "events 3 to 3 are gone");
    broken("DELETE FROM lockkeeper.events WHERE seq = 1", 2, "events 1 to 1 are gone");
    // And when those behind close the gap.
    broken(
        "DELETE FROM lockkeeper.events WHERE seq = 3; UPDATE lockkeeper.events SET seq = seq - 1 WHERE seq > 3",
        3,
        "does not follow",
    );
}

#[test]
fn events_that_changed_places_are_found() {
    broken(
        "UPDATE lockkeeper.events SET seq = 99 WHERE seq = 2; UPDATE lockkeeper.events SET seq = 2 WHERE seq = 3; UPDATE lockkeeper.events SET seq = 3 WHERE seq = 99",
        2,
        "does not follow",
    );
}

#[test]
fn events_cut_off_at_the_end_are_found() {
    broken("DELETE FROM lockkeeper.events WHERE seq > 4", 5, "at the end are gone");
    broken("TRUNCATE lockkeeper.events", 1, "at the end are gone");
}

#[test]
fn a_replaced_head_is_found() {
    let last = "(SELECT max(seq) FROM lockkeeper.events)";
    let shop = Shop::awaiting_approval();
    let count = i64::try_from(shop.events().len()).unwrap();
    broken("UPDATE lockkeeper.event_chain SET hash = sha256('x')", count, "does not fit");
    broken(&format!("UPDATE lockkeeper.event_chain SET seq = {last} - 1"), count, "does not fit");
    broken("DELETE FROM lockkeeper.event_chain", count, "does not fit");
}

#[test]
fn a_chain_written_anew_is_found_by_a_head_noted_elsewhere() {
    let shop = Shop::awaiting_approval();
    let head = shop.run("log --verify").expect(0).json()["head"].as_str().unwrap().to_owned();
    shop.run(&format!("log --verify --head {head}")).expect(0);
    shop.run(&format!("log --verify --head {}", head.to_uppercase())).expect(0);
    // Whoever owns the database writes a shorter history that holds by itself.
    shop.database.execute(
        "ALTER TABLE lockkeeper.events DISABLE TRIGGER USER;
         DELETE FROM lockkeeper.events WHERE seq > 3;
         UPDATE lockkeeper.event_chain SET (seq, hash) = (SELECT seq, hash FROM lockkeeper.events WHERE seq = 3)",
    );
    shop.run("log --verify").expect(0);
    shop.run(&format!("log --verify --head {head}")).refused(1, "log-other-head");
}

#[test]
fn events_are_append_only() {
    let shop = Shop::awaiting_approval();
    for change in
        ["UPDATE lockkeeper.events SET actor = 'x'", "DELETE FROM lockkeeper.events", "TRUNCATE lockkeeper.events"]
    {
        shop.database.execute(&format!(
            "DO $$ BEGIN {change}; RAISE 'let in'; EXCEPTION WHEN insufficient_privilege THEN END $$"
        ));
    }
    shop.run("log --verify").expect(0);
}

#[test]
fn a_log_with_any_text_in_it_holds() {
    let shop = Shop::open();
    shop.pair("01_add_고객's \u{1f6a2}", "CREATE TABLE a ()", "DROP TABLE a");
    let mut command = shop.command("--json stage1");
    command.env("LOCKKEEPER_ACTOR", "누구 \"x\" \\ é");
    Shop::finish(command).expect(0);
    shop.run("rollback before_schema_add --yes --reason \"왜 / 'so' é\"").expect(0);
    shop.run("log --verify").expect(0);
    // An event without a release, and the page border of the reader.
    shop.database.execute("SELECT lockkeeper.record_event('x', 'y', NULL, '{}') FROM generate_series(1, 5001)");
    let run = shop.run("log --verify").expect(0);
    assert_eq!(run.json()["events"], shop.count("lockkeeper.events"));
}

#[test]
fn every_answer_is_json_and_nothing_else() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    for (command, key) in [
        ("plan", "digest"),
        ("status", "migrations"),
        ("stage1", "applied"),
        ("deployed --version 2", "recorded"),
        (crate::shop::APPROVE, "plan"),
        ("stage2", "release"),
        ("rollback before_field_remove --past-stage2 --yes", "undone"),
        ("log --verify", "head"),
    ] {
        assert!(!shop.run(command).expect(0).json()[key].is_null(), "{command}");
    }
    shop.run("log --limit=-1").expect(2);
    let log = shop.run("log --after 2 --limit 3").expect(0).json();
    let seqs: Vec<_> = log.as_array().unwrap().iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, [3, 4, 5]);
    assert!(log[0]["payload"]["name"].is_string(), "{log:#}");
}
