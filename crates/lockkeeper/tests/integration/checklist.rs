//! `checklist`: each item is ticked by what happened, and by nothing else.

use serde_json::Value;

use crate::shop::Shop;
use crate::verify::on_private;

/// The items that are open, with whether each binds.
fn opened(answer: &Value, phase: &str) -> Vec<(String, bool)> {
    let items = answer["items"][phase].as_array().unwrap();
    let open = items.iter().filter(|item| item["done"] == false);
    open.map(|item| (item["item"].as_str().unwrap().to_owned(), item["binding"].as_bool().unwrap())).collect()
}

fn names(open: &[(String, bool)]) -> Vec<&str> {
    open.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn every_step_of_a_release_ticks_its_own_item() {
    let shop = Shop::open();
    shop.customers();
    shop.admin();
    let before = shop.run("checklist before").expect(1).json();
    assert_eq!(names(&opened(&before, "before")), ["migrations_tested", "rollback_verified", "backup_fresh"]);
    assert!(!shop.has_ledger(), "a list that was read wrote something");
    on_private(&shop, "verify").expect(0);
    let before = shop.run("checklist before").expect(0).json();
    assert_eq!(opened(&before, "before"), [("backup_fresh".to_owned(), false)], "nobody asked for a backup");
    assert_eq!(before["in_order"], true);

    shop.run("stage1").expect(0);
    let during = shop.run("checklist during").expect(1).json();
    assert_eq!(names(&opened(&during, "during")), ["deploy_complete", "health_passed", "stage2_run"]);
    shop.run("deployed --version 1.0").expect(0);
    shop.approve().expect(0);
    shop.run("stage2").expect(0);
    let during = shop.run("checklist during").expect(1).json();
    assert_eq!(names(&opened(&during, "during")), ["health_passed"], "this release was never watched");

    let after = shop.run("checklist after").expect(1).json();
    assert_eq!(names(&opened(&after, "after")), ["watch_running", "error_rate", "performance"]);
}

#[test]
fn a_changed_file_is_an_untested_one() {
    let shop = Shop::open();
    shop.customers();
    on_private(&shop, "verify").expect(0);
    shop.run("checklist before").expect(0);
    shop.file("02_remove_customers_name_up.sql", "ALTER TABLE customers DROP COLUMN email;\n");
    let before = shop.run("checklist before").expect(1).json();
    assert_eq!(names(&opened(&before, "before")), ["migrations_tested", "rollback_verified", "backup_fresh"]);
    let text = before["items"]["before"][0]["evidence"]["text"].as_str().unwrap();
    assert!(text.contains("02"), "{text}");
}

#[test]
fn markdown_is_a_list_whose_text_stays_text() {
    let shop = Shop::open();
    shop.customers();
    let list = shop.say("checklist --markdown").expect(1).stdout;
    assert!(
        list.starts_with("### Before\n\n- [ ] not verified as they are now: 01, 02 → lockkeeper verify\n"),
        "{list}"
    );
    assert_eq!(list.matches("### ").count(), 3, "{list}");
    // A version comes from whoever deploys.
    shop.run("stage1").expect(0);
    shop.run("deployed --version \"<img src=x> [a](b) `c`\"").expect(0);
    let list = shop.say("checklist during --markdown").expect(1).stdout;
    assert!(list.contains("\\<img src=x\\> \\[a\\](b) \\`c\\`"), "{list}");
}
