//! Whether migrations explain how a schema differs: for a command that was cut off before it could record what it
//! left.
//!
//! It is no proof, and need not be one: what nothing explains is somebody else's for certain, and the rest would
//! be called drift for no reason.

use std::collections::BTreeSet;

use crate::model::ObjectDifference;
use crate::parse::{Sql, parse};

/// The differences that none of these scripts can have made.
pub fn unexplained(differences: Vec<ObjectDifference>, scripts: &[&str]) -> Vec<ObjectDifference> {
    if scripts.iter().any(|script| is_opaque(script)) {
        return Vec::new();
    }
    let known: BTreeSet<String> = scripts.iter().flat_map(|script| words(script)).collect();
    differences.into_iter().filter(|difference| !is_explained(difference, &known)).collect()
}

/// Whether a script can change what it does not name: through code, or whatever depends on what it names.
fn is_opaque(script: &str) -> bool {
    let by_code = |sql: &Sql| matches!(sql, Sql::Do(_) | Sql::Call | Sql::Query { .. });
    words(script).any(|word| word == "cascade") || parse(script).statements.iter().any(|it| by_code(&it.sql))
}

fn is_explained(difference: &ObjectDifference, known: &BTreeSet<String>) -> bool {
    // `public.total(integer)`: what stands behind the schema and in front of the arguments.
    let name = difference.identity.split('(').next().unwrap_or_default();
    let name = name.rsplit('.').next().unwrap_or_default().trim_matches('"').to_lowercase();
    // What PostgreSQL names by itself begins with the table's name: customers_id_seq.
    let begins =
        known.iter().any(|word| name == *word || name.strip_prefix(word).is_some_and(|rest| rest.starts_with('_')));
    let (added, removed) = (difference.added(), difference.removed());
    let mut told = BTreeSet::new();
    // What is renamed is spelled differently wherever it is used: a line goes, and a line comes.
    if !added.is_empty() && !removed.is_empty() {
        let of = |lines: &[&str]| -> BTreeSet<String> { lines.iter().flat_map(|line| words(line)).collect() };
        told.extend(of(&added).symmetric_difference(&of(&removed)).cloned());
    }
    // A partition changes with its parent.
    let parents = |line: &&&str| line.contains(" of ") || line.contains("inherits ");
    told.extend(added.iter().chain(&removed).filter(parents).flat_map(|line| words(line)));
    begins || told.iter().any(|word| known.contains(word) && !is_common(word))
}

/// Words that stand in any definition.
fn is_common(word: &str) -> bool {
    [
        "table",
        "column",
        "partition",
        "of",
        "for",
        "values",
        "from",
        "to",
        "in",
        "with",
        "public",
        "not",
        "null",
        "default",
    ]
    .contains(&word)
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, identity: &str, before: &str, after: &str) -> ObjectDifference {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ObjectDifference {
            kind: kind.to_owned(),
            identity: identity.to_owned(),
            before: text(before),
            after: text(after),
        }
    }

    #[track_caller]
    fn check(script: &str, difference: ObjectDifference, explained: bool) {
        let shown = format!("{script} {difference:?}");
        assert_eq!(unexplained(vec![difference], &[script]).is_empty(), explained, "{shown}");
    }

    #[test]
    fn what_a_script_names_is_its_own() {
        let customers =
            || object("table", "public.customers", "column id integer", "column id integer\ncolumn fax text");
        check("ALTER TABLE customers ADD fax text", customers(), true);
        check("ALTER TABLE \"Customers\" ADD fax text", customers(), true);
        check("ALTER TABLE orders ADD total int", customers(), false);
        check("ALTER TABLE orders ADD fax text", customers(), false);
        check("DROP TABLE customers", object("table", "public.customers", "column id integer", ""), true);
        check("DROP TABLE orders", object("table", "public.customers", "column id integer", ""), false);
        check(
            "CREATE FUNCTION total(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            object("function", "public.total(integer)", "", "x"),
            true,
        );
    }

    #[test]
    fn what_comes_along_is_explained_too() {
        check(
            "CREATE TABLE customers (id serial)",
            object("sequence", "public.customers_id_seq", "", "sequence as integer"),
            true,
        );
        check(
            "ALTER TYPE mood RENAME TO feeling",
            object("table", "public.people", "column is mood", "column is feeling"),
            true,
        );
        check(
            "ALTER TABLE events ADD note text",
            object("table", "public.p_2024", "table partition of events", "table partition of events with (a)"),
            true,
        );
        check("DROP TABLE customers CASCADE", object("view", "public.report", "SELECT", ""), true);
        check("DO $$ BEGIN PERFORM make(); END $$", object("table", "public.anything", "", "x"), true);
    }
}
