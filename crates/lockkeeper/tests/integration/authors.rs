//! Four eyes: who wrote or ran what stage 2 removes may not approve it.

use std::process::{Command, Stdio};

use crate::shop::{ADMIN, APPROVE, DEV, Run, Shop};

/// Approving is refused, and nothing is recorded.
#[track_caller]
fn not_approved(shop: &Shop) -> Run {
    let run = shop.approve().refused(1, "approval-by-author");
    assert_eq!(shop.count("lockkeeper.approvals"), 0);
    run
}

/// Stage 2 does not take an approval by an author, however it came into the ledger.
#[track_caller]
fn void(shop: &Shop) {
    let run = shop.run("stage2").refused(1, "stage2-closed");
    assert!(run.to_string().contains("is the author of this release"), "{run}");
}

fn git(shop: &Shop, args: &[&str]) {
    let mut command = Command::new("git");
    command.args(args).current_dir(shop.project.path()).env("HOME", shop.project.path()).stdout(Stdio::null());
    assert!(command.status().unwrap().success(), "git {args:?}");
}

/// The admin committed the files, under this address.
fn committed_by(shop: &Shop, email: &str) {
    git(shop, &["init", "-q"]);
    git(shop, &["config", "user.name", "Somebody"]);
    git(shop, &["config", "user.email", email]);
    git(shop, &["add", "migrations"]);
    git(shop, &["commit", "-qm", "all of it"]);
}

#[test]
fn a_clone_that_cannot_tell_the_authors_says_so_and_lets_nobody_approve() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    committed_by(&shop, DEV);
    git(&shop, &["commit", "-q", "--allow-empty", "-m", "later"]);
    let origin = shop.project.path().join("origin");
    std::fs::create_dir(&origin).unwrap();
    std::fs::rename(shop.project.path().join(".git"), origin.join(".git")).unwrap();
    // The history is cut off, as a CI checkout does by default.
    git(&shop, &["clone", "-q", "--depth", "1", "--no-checkout", &format!("file://{}", origin.display()), "shallow"]);
    std::fs::rename(shop.project.path().join("shallow/.git"), shop.project.path().join(".git")).unwrap();
    let run = shop.approve().refused(1, "authors-shallow");
    assert_eq!(run.hints(), ["approval-by-author-hint"]);
    git(&shop, &["fetch", "-q", "--unshallow"]);
    shop.approve().expect(0);

    // A repository that git does not trust is no better.
    let shop = Shop::awaiting_approval();
    shop.admin();
    committed_by(&shop, DEV);
    std::fs::write(shop.project.path().join(".git/HEAD"), "nonsense").unwrap();
    shop.approve().refused(1, "authors-git-failed");
}

#[test]
fn who_is_named_as_co_author_is_an_author() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    git(&shop, &["init", "-q"]);
    git(&shop, &["config", "user.name", "Somebody"]);
    git(&shop, &["config", "user.email", DEV]);
    git(&shop, &["add", "migrations"]);
    git(&shop, &["commit", "-qm", &format!("both of us\n\nCo-authored-by: Admin <{ADMIN}>")]);
    not_approved(&shop);
}

#[test]
fn whoever_wrote_the_migrations_may_not_approve_them() {
    for email in [ADMIN, "Admin@Shop.example"] {
        let shop = Shop::awaiting_approval();
        shop.admin();
        committed_by(&shop, email);
        let run = not_approved(&shop);
        assert_eq!(run.hints(), ["approval-by-author-hint"]);
        // Unless the project says so.
        shop.project.write("lockkeeper.toml", "[approval]\nauthor_may_approve = true\n");
        shop.approve().expect(0);
        shop.project.write("lockkeeper.toml", "");
        void(&shop);
        shop.project.write("lockkeeper.toml", "[approval]\nauthor_may_approve = true\n");
        shop.run("stage2").expect(0);
    }
}

#[test]
fn an_author_is_known_from_wherever_the_command_is_run() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    let folder = shop.project.path();
    std::fs::create_dir_all(folder.join("deploy/job")).unwrap();
    shop.rename("02_remove_customers_name_up.sql", "02_remove_[customers]_name_up.sql");
    shop.rename("02_remove_customers_name_down.sql", "02_remove_[customers]_name_down.sql");
    committed_by(&shop, ADMIN);
    let absolute = folder.join("migrations").display().to_string();
    for (from, flags) in [
        (".", "--migrations ./migrations".to_owned()),
        (".", format!("--migrations {absolute}")),
        (".", "--project-dir deploy --migrations migrations".to_owned()),
        ("deploy/job", "--project-dir ../..".to_owned()),
        ("deploy", "--project-dir job --migrations ../migrations".to_owned()),
    ] {
        let mut command = shop.command(&format!(
            "--json {flags} {}",
            APPROVE.replace("admin_key", &folder.join("admin_key").display().to_string())
        ));
        std::fs::copy(folder.join("allowed_signers"), folder.join("deploy/allowed_signers")).unwrap();
        std::fs::copy(folder.join("allowed_signers"), folder.join("deploy/job/allowed_signers")).unwrap();
        command.current_dir(folder.join(from));
        Shop::finish(command).refused(1, "approval-by-author");
    }
}

#[test]
fn whoever_only_changed_a_file_later_is_an_author_too() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    committed_by(&shop, DEV);
    shop.approve().expect(0);
    git(&shop, &["config", "user.email", ADMIN]);
    shop.file("02_remove_customers_name_down.sql", "ALTER TABLE customers ADD COLUMN name text; -- mine\n");
    git(&shop, &["commit", "-qam", "touch"]);
    void(&shop);
}

#[test]
fn whoever_ran_stage_1_may_not_approve_it() {
    let shop = Shop::open();
    shop.customers().admin();
    let mut command = shop.command("--json stage1");
    command.env("LOCKKEEPER_ACTOR", ADMIN);
    Shop::finish(command).expect(0);
    shop.run("deployed").expect(0);
    not_approved(&shop);
}
