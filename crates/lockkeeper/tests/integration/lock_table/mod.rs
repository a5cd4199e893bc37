//! The table of locks that the classifier's word rests on: every form is run, and what it took is read.

mod page;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use lockkeeper_core::classify::{Facts, Scope, effects_on};
use lockkeeper_core::model::LockMode;
use lockkeeper_core::parse::{Script, Sql, parse};
use lockkeeper_engine::postgres::{LOCKS_OF, read_facts};
use lockkeeper_testkit::Database;

/// The share of forms that must be told right, in percent.
const RIGHT_PERCENT_MIN: usize = 97;

/// The least number of forms.
const FORMS_MIN: usize = 150;

/// A statement that waits for another session has asked for its locks by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// One line of forms.txt.
struct Form {
    /// The comment above it.
    chapter: &'static str,
    oldest: u32,
    newest: u32,
    statement: &'static str,
    setup: Option<&'static str>,
    beside: Option<&'static str>,
}

fn forms() -> Vec<Form> {
    let mut chapter = "";
    include_str!("forms.txt")
        .lines()
        .filter(|line| !line.is_empty())
        .filter_map(|line| {
            if let Some(title) = line.strip_prefix("# ") {
                chapter = title;
                return None;
            }
            let mut parts = line.split(" | ");
            let (oldest, newest) = parts.next().and_then(|it| it.split_once('-')).expect("versions");
            let statement = parts.next().expect("a statement");
            let rest: Vec<_> = parts.collect();
            let named = |name| rest.iter().find_map(|part| part.strip_prefix(name));
            Some(Form {
                chapter,
                oldest: oldest.parse().expect("a version"),
                newest: newest.parse().expect("a version"),
                statement,
                setup: named("setup: "),
                beside: named("beside: "),
            })
        })
        .collect()
}

/// What a form does, measured or told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Doing {
    /// The strongest lock on each table that was there before. ACCESS SHARE, which every reader takes, is left out.
    locks: BTreeMap<String, LockMode>,
    rewrites: bool,
    /// `None` where it is not measured: what the planner chooses, and what cannot run in a transaction.
    scans: Option<bool>,
}

impl Doing {
    fn lock(&mut self, table: &str, mode: LockMode) {
        if mode > LockMode::AccessShare {
            let strongest = self.locks.entry(table.to_owned()).or_insert(mode);
            *strongest = mode.max(*strongest);
        }
    }

    fn text(&self) -> String {
        let locks: Vec<_> = self.locks.iter().map(|(table, mode)| format!("{table} {}", mode.as_str())).collect();
        format!("{}; rewrites {}; scans {:?}", locks.join(", "), self.rewrites, self.scans)
    }

    fn locks_from(&mut self, text: &str) {
        for one in text.split(',').filter(|it| !it.is_empty()) {
            let (table, mode) = one.rsplit_once(' ').expect("a table and its lock");
            let mode = LockMode::ALL.into_iter().find(|it| it.pg_locks_name() == mode).expect("a lock mode");
            self.lock(table, mode);
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the share of each version is what it is run for")]
fn the_classifier_tells_what_every_form_takes() {
    let fixture = Database::create();
    fixture.execute(include_str!("fixture.sql"));
    fixture.execute(&include_str!("measured.sql").replace("/* what verify reads too */", LOCKS_OF));
    let major = fixture.major();
    let forms: Vec<_> = forms().into_iter().filter(|form| (form.oldest..=form.newest).contains(&major)).collect();
    let (mut wrong, mut broken, mut record) = (Vec::new(), Vec::new(), String::new());
    for form in &forms {
        match std::panic::catch_unwind(AssertUnwindSafe(|| compare(form, &fixture))) {
            Ok((difference, measured)) => {
                wrong.extend(difference);
                record.push_str(&page::line(form, &measured));
            }
            Err(_) => broken.push(form.statement),
        }
    }
    let right = forms.len() - wrong.len();
    let share = format!("PostgreSQL {major}: {right} of {} forms told right", forms.len());
    println!("{share}\n{}", wrong.join("\n"));
    assert!(broken.is_empty(), "these do not run: {broken:#?}");
    assert!(forms.len() >= FORMS_MIN, "{}", forms.len());
    assert!(right * 100 >= forms.len() * RIGHT_PERCENT_MIN, "{share}\n{}", wrong.join("\n"));
    page::keep(major, &record);
}

/// What is told and what is measured, where they differ; and what is measured.
fn compare(form: &Form, fixture: &Database) -> (Option<String>, Doing) {
    let own = (form.setup.is_some() || form.beside.is_some()).then(|| fixture.copy());
    let database = own.as_ref().unwrap_or(fixture);
    if let Some(setup) = form.setup {
        database.execute(setup);
    }
    let told = told(form, database);
    let measured = match form.beside {
        Some(beside) => measured_beside(form.statement, beside, database),
        None => measured(form.statement, database),
    };
    let differ = told.locks != measured.locks || told.rewrites != measured.rewrites || scans_differ(&told, &measured);
    let difference =
        differ.then(|| format!("{}\n    told     {}\n    measured {}", form.statement, told.text(), measured.text()));
    (difference, measured)
}

/// What is written anew is read, of course.
fn scans_differ(told: &Doing, measured: &Doing) -> bool {
    told.scans.zip(measured.scans).is_some_and(|(told, measured)| told != measured) && !measured.rewrites
}

fn told(form: &Form, database: &Database) -> Doing {
    let script = parse(form.statement);
    assert!(script.diagnostics.is_empty(), "{}: {:?}", form.statement, script.diagnostics);
    let facts = facts(&script, database);
    let planned = |sql: &Sql| {
        matches!(
            sql,
            Sql::Insert { .. }
                | Sql::Update { .. }
                | Sql::Delete { .. }
                | Sql::Merge { .. }
                | Sql::Query { .. }
                | Sql::Do(_)
        ) || matches!(sql, Sql::CreateTable(_) | Sql::Refresh { .. } | Sql::Create { .. } | Sql::CreateRoutine(_))
    };
    let mut told = Doing::default();
    let mut scans = false;
    for effect in effects_on(&script, &facts).iter().flatten() {
        for lock in &effect.locks {
            told.lock(&facts.full_name(&lock.table).name.to_string(), lock.mode);
        }
        told.rewrites |= effect.rewrites;
        scans |= effect.scans;
    }
    let is_planned = script.statements.iter().any(|statement| planned(&statement.sql));
    told.scans = (!is_planned).then_some(scans);
    told
}

/// As `plan` reads them: what the script can reach, and no more.
fn facts(script: &Script, database: &Database) -> Facts {
    let (target, scope) = (database.target(), Scope::of(script));
    let read = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let connection = lockkeeper_engine::postgres::connect(&target).await.expect("a connection");
            read_facts(&connection, &scope, &[], PATIENCE).await.expect("the facts")
        })
    });
    read.join().expect("the facts")
}

fn measured(statement: &str, database: &Database) -> Doing {
    let sql = format!(
        "BEGIN; {statement}; SELECT measured.locks(pg_backend_pid()), measured.rewritten(), measured.scanned(); ROLLBACK"
    );
    let rows = database.query(&sql);
    let row = rows.last().expect("a row");
    let mut doing = Doing { rewrites: !row[1].is_empty(), scans: Some(!row[2].is_empty()), ..Doing::default() };
    doing.locks_from(&row[0]);
    doing
}

fn measured_beside(statement: &str, beside: &str, database: &Database) -> Doing {
    let mut doing = Doing::default();
    let holder = database.session();
    holder.execute(&format!("BEGIN; {beside}"));
    let looker = database.session();
    let target = database.target();
    let began = Instant::now();
    std::thread::scope(|scope| {
        let work = scope.spawn(|| alone(&target, statement));
        let mut waited = false;
        loop {
            let seen = looker.value(
                "SELECT coalesce(string_agg(measured.locks(pid), ','), '') || ' '
                     || coalesce(bool_or(EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted)), false)
                 FROM pg_stat_activity a WHERE application_name = 'measured form' AND datname = current_database()",
            );
            let (locks, waits) = seen.rsplit_once(' ').expect("two values");
            doing.locks_from(locks);
            // What it waits for may have been asked for after the locks were read: once more, then.
            if waits == "true" && waited {
                break;
            }
            waited = waits == "true";
            assert!(!work.is_finished() && began.elapsed() < PATIENCE, "it waits for nobody: {statement}");
        }
        holder.execute("ROLLBACK");
        work.join().expect("the form runs");
    });
    doing.rewrites = !database.value("SELECT measured.rewritten()").is_empty();
    doing
}

/// Outside of any transaction, under a name by which it is found.
fn alone(target: &lockkeeper_engine::postgres::Target, statement: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let connection = lockkeeper_engine::postgres::connect(target).await.expect("a connection");
        let client = connection.client();
        client.batch_execute("SET application_name = 'measured form'").await.expect("a name");
        client.batch_execute(statement).await.unwrap_or_else(|error| panic!("{error:?}: {statement}"));
    });
}
