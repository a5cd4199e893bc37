//! Statements about roles, which belong to the whole server and not to a database.

use lockkeeper_core::parse::{Ident, Sql, Statement};
use lockkeeper_core::plan::PlannedMigration;

/// What a statement does to roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleVerb {
    Create,
    Alter,
    Drop,
}

/// A statement that makes, changes or drops roles.
#[derive(Debug, PartialEq, Eq)]
pub struct RoleStatement {
    pub verb: RoleVerb,
    pub names: Vec<String>,
}

impl RoleStatement {
    /// Reads the beginning of a statement, which is all that matters of it.
    pub fn read(sql: &str) -> Option<Self> {
        let mut words = words(sql).into_iter();
        let verb = match words.next()?.to_ascii_lowercase().as_str() {
            "create" => RoleVerb::Create,
            "alter" => RoleVerb::Alter,
            "drop" => RoleVerb::Drop,
            _ => return None,
        };
        if !["role", "user", "group"].contains(&words.next()?.to_ascii_lowercase().as_str()) {
            return None;
        }
        let rest: Vec<&str> = words.collect();
        let is = |at: usize, word: &str| rest.get(at).is_some_and(|it| it.eq_ignore_ascii_case(word));
        // CREATE USER MAPPING is about a foreign server.
        if is(0, "mapping") {
            return None;
        }
        let names = match verb {
            RoleVerb::Drop => {
                let from = if is(0, "if") && is(1, "exists") { 2 } else { 0 };
                rest.get(from..).unwrap_or_default().join(" ").split(',').map(name).collect()
            }
            RoleVerb::Create | RoleVerb::Alter => rest.first().map(|word| name(word)).into_iter().collect(),
        };
        Some(Self { verb, names })
    }
}

/// The words of a statement, what stands in double quotes being one.
fn words(sql: &str) -> Vec<&str> {
    let mut quoted = false;
    let is_between = move |c: char| {
        quoted ^= c == '"';
        c.is_whitespace() && !quoted
    };
    sql.split(is_between).filter(|word| !word.is_empty()).collect()
}

fn name(text: &str) -> String {
    Ident::from_source(text.trim().trim_end_matches(';').trim()).as_str().to_owned()
}

/// The roles that a migration makes, in bodies that run with it too.
pub fn made_by(migration: &PlannedMigration) -> Vec<String> {
    let of = |statement: &Statement| {
        RoleStatement::read(statement.span.of(&migration.up.text))
            .filter(|roles| roles.verb == RoleVerb::Create)
            .map_or_else(Vec::new, |roles| roles.names)
    };
    let mut found = Vec::new();
    for statement in &migration.script.statements {
        match &statement.sql {
            Sql::Do(body) => found.extend(body.all_statements().into_iter().flat_map(of)),
            _ => found.extend(of(statement)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_from_the_beginning_of_a_statement() {
        for (sql, expected) in [
            ("CREATE ROLE sailor", Some((RoleVerb::Create, vec!["sailor"]))),
            ("create user \"Old Salt\";", Some((RoleVerb::Create, vec!["Old Salt"]))),
            ("create user Salt with login;", Some((RoleVerb::Create, vec!["salt"]))),
            ("DROP ROLE IF EXISTS a, \"B\";", Some((RoleVerb::Drop, vec!["a", "B"]))),
            ("ALTER GROUP crew ADD USER a", Some((RoleVerb::Alter, vec!["crew"]))),
            ("CREATE USER MAPPING FOR a SERVER s", None),
            ("DROP TABLE role", None),
        ] {
            let read = RoleStatement::read(sql).map(|it| (it.verb, it.names));
            let expected = expected.map(|(verb, names)| (verb, names.into_iter().map(str::to_owned).collect()));
            assert_eq!(read, expected, "{sql}");
        }
    }
}
