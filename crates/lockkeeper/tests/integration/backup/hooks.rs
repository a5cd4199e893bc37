//! The user's own command instead of `pg_dump`.

use serde_json::json;

use super::yard::Yard;
use crate::shop::Shop;

#[test]
fn a_hook_makes_it_and_another_verifies_it() {
    let yard = Yard::open();
    yard.script(
        "snapshot.sh",
        "echo \"of $LOCKKEEPER_DATABASE at $LOCKKEEPER_WAL_POSITION with $DB_PASSWORD\" >&2\n\
         echo '{\"id\": \"snap-7\", \"size\": 4096, \"location\": \"eu-1\"}'",
    );
    yard.script(
        "check.sh",
        "[ \"$LOCKKEEPER_BACKUP_ID $LOCKKEEPER_BACKUP_LOCATION\" = 'snap-7 eu-1' ] && [ ! -f broken ]",
    );
    let settings = "command = [\"./snapshot.sh\"]\n";
    yard.shop.project.write("lockkeeper.toml", &format!("[backup]\n{settings}"));
    let mut command = yard.shop.command("--json backup create");
    command.env("DB_PASSWORD", "hunter2-of-the-shop");
    let made = Shop::finish(command).expect(0).json();
    assert_eq!((&made["kind"], &made["location"], &made["size_bytes"]), (&json!("hook"), &json!("eu-1"), &json!(4096)));
    let listed = &yard.list()[0];
    assert_eq!((&listed["hook_id"], &listed["state"]), (&json!("snap-7"), &json!("unknown")));
    // What it said is kept, without the password.
    let event = yard.shop.database.value("SELECT payload FROM lockkeeper.events WHERE kind = 'backup_made'");
    assert!(event.contains("***") && !event.contains("hunter2"), "{event}");

    yard.shop.run("backup verify").refused(6, "backup-hook-unverifiable");
    let with_check = format!("[backup]\n{settings}verify_command = [\"./check.sh\"]\n");
    yard.shop.project.write("lockkeeper.toml", &with_check);
    let run = yard.shop.run("backup verify").expect(0);
    assert_eq!((&run.json()["how"], &run.json()["recorded"]), (&json!("hook"), &json!(true)));
    yard.shop.project.write("broken", "");
    yard.shop.run("backup verify").expect(1);
    assert_eq!(yard.list()[0]["verified"]["verdict"], "fail");
}

#[test]
fn a_hook_that_fails_hangs_or_says_nothing_makes_no_backup() {
    let yard = Yard::open();
    for (text, id) in [
        ("echo working; echo 'no disk left' >&2; exit 3", "backup-hook-failed"),
        ("echo done", "backup-hook-no-answer"),
        ("sleep 600 & sleep 600", "backup-program-timed-out"),
    ] {
        yard.script("snapshot.sh", text);
        yard.shop.project.write("lockkeeper.toml", "[backup]\ncommand = [\"./snapshot.sh\"]\ntimeout = \"1s\"\n");
        let run = yard.shop.run("backup create").refused(2, id);
        assert!(id != "backup-hook-failed" || run.to_string().contains("no disk left"), "{run}");
    }
    yard.shop.project.write("lockkeeper.toml", "[backup]\ncommand = [\"./nowhere.sh\"]\n");
    yard.shop.run("backup create").refused(2, "backup-hook-failed");
    assert_eq!(yard.list().len(), 0);
}
