//! What a person types when the program cannot do a step itself: lines for a shell, with every word quoted.

/// Where the database is, as far as it is known. There is no password: psql asks for it, or reads `PGPASSWORD` or
/// `~/.pgpass`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ByHandTarget {
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
}

/// A down script that a person would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByHandScript {
    pub path: String,
    /// Whether all of it may run in one transaction.
    pub is_transactional: bool,
}

impl ByHandTarget {
    /// The flags that psql and `pg_dump` share.
    fn flags(&self) -> String {
        let words = [
            ("-h", self.host.clone()),
            ("-p", self.port.to_string()),
            ("-U", self.user.clone()),
            ("-d", self.database.clone()),
        ];
        words.map(|(flag, word)| format!("{flag} {}", quoted(&word))).join(" ")
    }

    /// Runs the scripts in the order in which they are given, each alone, and stops at the first that fails.
    pub fn undo(&self, scripts: &[ByHandScript]) -> Vec<String> {
        let flags = self.flags();
        let line = |script: &ByHandScript| {
            let whole = if script.is_transactional { " --single-transaction" } else { "" };
            format!("psql -X -v ON_ERROR_STOP=1{whole} {flags} -f {}", quoted(&script.path))
        };
        scripts.iter().map(line).collect()
    }

    /// Dumps the database into a folder that is not there yet.
    pub fn dump(&self, folder: &str) -> String {
        format!("pg_dump --format=directory --jobs=4 {} --file={}", self.flags(), quoted(folder))
    }

    /// Whether the server answers, and who is at work on it.
    pub fn look(&self) -> String {
        format!("psql -X {} -c 'SELECT pid, state, xact_start, query FROM pg_stat_activity'", self.flags())
    }
}

/// Whether a script says of itself that it cannot run in a transaction. Only for showing a line that works: whoever
/// runs it sees what the server says.
pub fn runs_in_a_transaction(script: &str) -> bool {
    let upper = script.to_uppercase();
    !upper.contains("CONCURRENTLY") && !upper.contains("NO-TRANSACTION")
}

/// One word for a POSIX shell, whatever is in it.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:=@%+,-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> ByHandTarget {
        ByHandTarget { host: "db".into(), port: 5432, database: "my shop".into(), user: "o'neil".into() }
    }

    #[test]
    fn no_name_leaves_its_quotes() {
        assert_eq!(quoted("migrations/01_a_down.sql"), "migrations/01_a_down.sql");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("a; rm -rf $HOME `x`\n"), "'a; rm -rf $HOME `x`\n'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }

    #[test]
    fn scripts_are_run_one_by_one_and_stop_at_the_first_failure() {
        let script =
            |path: &str, text: &str| ByHandScript { path: path.into(), is_transactional: runs_in_a_transaction(text) };
        let scripts = [script("2.sql", "DROP TABLE a"), script("1.sql", "DROP INDEX Concurrently i")];
        assert_eq!(
            target().undo(&scripts),
            [
                "psql -X -v ON_ERROR_STOP=1 --single-transaction -h db -p 5432 -U 'o'\\''neil' -d 'my shop' -f 2.sql",
                "psql -X -v ON_ERROR_STOP=1 -h db -p 5432 -U 'o'\\''neil' -d 'my shop' -f 1.sql",
            ]
        );
        assert!(target().dump("/b/x").ends_with("-d 'my shop' --file=/b/x"));
    }
}
