//! The built program against a real PostgreSQL, the way a person meets it: commands in, exit codes,
//! messages and catalogs out. One binary, so that it is linked once; one database for each test.

/// The fixture: a shop's database, its project folder, its people. No tests.
mod shop;

/// What a migration's file can be, do and get wrong: syntax, server errors and their places, encodings, names, size.
mod files;
/// Which migrations a stage runs, in which order, and what stands after a failure.
mod stages;
/// What cannot run in a transaction, and what is left when it fails or is killed.
mod standalone;
/// Files that differ from what was applied, and databases older than the files.
mod drift;
/// Schemas that others changed.
mod schema_drift;
/// What opens the second gate and what does not: stage 1, the deploy, signatures, roles, expiry, authors.
mod gates;
/// Four eyes: authors, as git knows them, do not approve.
mod authors;
/// The way back to a rollback point.
mod release;
mod rollback;
/// The way back by hand, and its incident report.
mod emergency;
/// What a rollback keeps of what it destroys, and how that goes back.
mod salvage;
/// The ledger: rights it needs, versions it knows, and the event log that proves itself.
mod ledger;
/// Plain SQL that becomes safe steps, and what cannot.
mod rewrites;
/// What every form of statement locks, rewrites and reads, measured and told.
mod lock_table;
/// What the plan tells of each step.
mod plan;
/// The page about the live schema.
mod docs_schema;
/// What is known of the live database, exported and linted with.
mod facts;
/// What a trial of all migrations finds.
mod verify;
mod verify_data;
/// Backups: made of one moment, found again, proven, and asked for before stage 2.
mod backup;
/// Locks that others hold.
mod locks;
/// Two at once, signals, and holders that died or slept.
mod lease;
/// What is ticked by what.
mod checklist;
/// Killed, cut off or failed at any point, and then run again.
mod crash;
/// Migrations under an application's load.
mod live;
/// What broke when the nearest tools were run.
mod peers;
/// Events that could not reach the ledger.
mod spool;
/// Behind PgBouncer in transaction mode, while others use the pool.
mod pooler;
/// Whatever bytes a file holds.
mod fuzz;
/// Hazards in files, without a database.
mod lint;
mod lint_fix;
/// What `init` and `new` write, and that it works.
mod health_check;
/// Alerts: put down by what happens, delivered by commands and the watcher, tried with `notify test`.
mod alerts;
mod health_life;
mod health_metrics;
mod health_watch;
/// The fixture of the tests of health. No tests.
mod health_bench;
/// Every source and condition that can be written down.
mod health_sources;
/// Every way in which a target can go wrong, and the monitor itself: the right verdict, words and exit code.
mod health_faults;
mod health_names;
/// The monitor's own network, cut and mended.
mod health_own_network;
/// A database that restarts under a watch.
mod health_restart;
/// The example services of the page on endpoints.
mod health_endpoints;
mod init;
/// English and Korean.
mod languages;
/// The demo, and that it leaves nothing behind.
mod demo;
/// The page on locks.
mod docs;
mod rule_pages;
/// The README's session.
mod readme;
