//! `docs schema`: the page about a schema that has everything, and names that want out of their place.
//!
//! `UPDATE_DOCS=1` writes what the page should be anew.

use std::path::{Path, PathBuf};

use crate::shop::Shop;

/// A database with `docs_schema/shop.sql` in it.
fn prepared() -> Shop {
    let shop = Shop::open();
    shop.database.execute(include_str!("docs_schema/shop.sql"));
    shop
}

fn expected(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/docs_schema").join(name)
}

#[track_caller]
fn is_as_expected(name: &str, page: &str) {
    let path = expected(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap();
    for (number, (written, page)) in written.lines().zip(page.lines()).enumerate() {
        assert_eq!(written, page, "line {} of {name}", number + 1);
    }
    assert_eq!(written.lines().count(), page.lines().count());
}

/// The same on every version of PostgreSQL, and in every order in which it was made.
#[test]
fn the_page_tells_everything_and_nothing_of_others() {
    let shop = prepared();
    shop.database.execute("CREATE EXTENSION IF NOT EXISTS plpgsql");
    // A ledger of ours is no part of the schema.
    shop.pair("01_add_nothing", "CREATE TABLE gone (id int);\n", "DROP TABLE gone;\n");
    shop.run("stage1").expect(0);
    assert!(shop.has_ledger());
    shop.database.execute("DROP TABLE gone");
    for (language, name) in [("en", "schema.md"), ("ko", "schema.ko.md")] {
        let run = shop.say(&format!("docs schema --lang {language}")).expect(0);
        assert!(run.stderr.is_empty(), "{run}");
        assert!(!run.stdout.contains("lockkeeper."), "our own schema is in it: {run}");
        is_as_expected(name, &run.stdout);
        // Into a file the same, and a second time nothing changes.
        let written = format!("docs schema --lang {language} --output {name}");
        for _ in 0..2 {
            shop.say(&written).expect(0).says(&[name]);
            assert_eq!(shop.project.read(name), run.stdout);
        }
    }
}

#[test]
fn no_name_leaves_its_place() {
    let page = prepared().say("docs schema").expect(0).stdout;
    // Fences that open and close: no name opened or closed one.
    let fences: Vec<&str> = page.lines().filter(|line| line.starts_with("```")).collect();
    assert!(fences.chunks(2).all(|pair| pair == ["```mermaid", "```"]), "{fences:?}");
    let mut is_diagram = false;
    for line in page.lines() {
        is_diagram = if line.starts_with("```") { line == "```mermaid" } else { is_diagram };
        if is_diagram {
            assert!(!line.contains("%%"), "a directive: {line}");
            assert!(line.matches('"').count().is_multiple_of(2), "{line}");
        } else if line.starts_with('|') {
            let bars = line.replace("\\|", "").matches('|').count();
            assert_eq!(bars, 6, "five cells: {line}");
        }
        let outside_of_code: String = line.split('`').step_by(2).collect();
        assert!(is_diagram || !outside_of_code.contains("<script"), "{line}");
    }
}

#[test]
fn a_role_that_may_only_read_is_enough_and_nothing_is_written() {
    let shop = prepared();
    let role = format!("reader_{}", shop.database.name());
    shop.database
        .execute(&format!("CREATE ROLE {role} LOGIN; ALTER ROLE {role} SET default_transaction_read_only = on"));
    let full = shop.say("docs schema").expect(0).stdout;
    let before = shop.database.catalogue();
    let mut command = shop.command("docs schema");
    command.env("DB_USER", &role).env("PGUSER", &role);
    assert_eq!(Shop::finish(command).expect(0).stdout, full);
    assert_eq!(shop.database.catalogue(), before);
    assert!(!shop.has_ledger());
    shop.database.execute(&format!("DROP ROLE {role}"));
}

#[test]
fn schemas_are_chosen_by_name_and_one_that_is_not_there_is_told() {
    let shop = prepared();
    let page = shop.say("docs schema --schema billing --schema left_empty").expect(0).stdout;
    let chapters: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(chapters, ["## Schema `billing`", "## Schema `left_empty`"]);
    // What it refers to elsewhere is drawn, and told no more of.
    assert!(
        page.contains("\"billing.invoices\" |o--o| \"public.orders\"") && !page.contains("### Partitioned"),
        "{page}"
    );
    for none in ["nowhere", "pg_catalog", "lockkeeper"] {
        shop.run(&format!("docs schema --schema {none}")).refused(2, "docs-no-schema");
    }
    let nobody = shop.run("docs schema --output nowhere/schema.md");
    nobody.refused(2, "docs-cannot-write");
}

#[test]
fn as_json_it_is_the_same_as_data() {
    let catalog = prepared().run("docs schema").expect(0).json();
    let relations = catalog["relations"].as_array().unwrap();
    let orders = relations.iter().find(|it| it["name"] == serde_json::json!(["public", "orders"])).unwrap();
    assert_eq!(
        (orders["kind"].as_str(), orders["partition_key"].as_str()),
        (Some("partitioned_table"), Some("RANGE (placed_at)"))
    );
    assert_eq!(orders["partitions"].as_array().unwrap().len(), 4);
    assert_eq!(orders["foreign_keys"][0]["is_required"], true);
    assert!(relations.iter().all(|it| it["name"][1] != "orders_2025"), "a partition stands by itself");
    assert!(catalog.get("reads_only").is_none());
}

/// The pages on design in both languages.
fn guides() -> [String; 2] {
    ["database-schema.md", "database-schema.ko.md"].map(|name| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)).unwrap()
    })
}

fn blocks(guide: &str) -> Vec<&str> {
    guide.split("```sql\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect()
}

#[test]
fn the_sql_of_the_guide_runs_from_top_to_bottom() {
    let [english, korean] = guides();
    let sql = blocks(&english);
    assert!(sql.len() > 10);
    assert_eq!(sql, blocks(&korean), "the two languages show the same");
    let shop = Shop::open();
    for block in sql {
        shop.database.execute(block);
    }
    assert_eq!(shop.database.value("SELECT full_name FROM present_customers"), "Ada Lovelace");
}

#[test]
fn the_guide_names_rules_that_there_are_the_same_ones_in_both_languages() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let rules = |guide: &str, end: &str| -> Vec<String> {
        let linked = guide.split("](rules/").skip(1).map(|rest| rest.split_once(')').unwrap().0);
        linked
            .map(|link| link.strip_suffix(end).unwrap_or_else(|| panic!("{link} in the other language")).to_owned())
            .collect()
    };
    let [english, korean] = guides();
    let named = rules(&english, ".md");
    assert!(named.len() > 40);
    assert_eq!(named, rules(&korean, ".ko.md"));
    for name in named {
        for end in ["md", "ko.md"] {
            assert!(docs.join("rules").join(format!("{name}.{end}")).exists(), "no page on {name}");
        }
    }
}
