//! `lint`: hazards in SQL, with the way out. It needs no database, and knows more with one.

mod facts;
mod files;
mod fixing;
mod formats;
mod sarif;

pub use facts::from_database;

use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::path::PathBuf;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Place, Problem};
use lockkeeper_lint::check::{Options, Report, UNUSED_ALLOW, check, unused_message};
use lockkeeper_lint::fix::Source;
use lockkeeper_lint::report::{Finding, Severity};
use lockkeeper_lint::rule::{Migration, Policy, Rule};
use lockkeeper_lint::rules;

use self::fixing::Change;
use crate::cli::context::Context;
use crate::printer::{Language, Tone};
use crate::settings::likely_rule;

/// Find hazards in SQL files, with the way out; needs no database
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  lockkeeper lint\n  lockkeeper lint --since origin/main --format github\n  lockkeeper lint --facts facts.json\n  lockkeeper lint --fix --dry-run"
)]
pub struct Args {
    /// Files and folders [default: the folder of the migrations]
    paths: Vec<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Explain one rule: what it finds, why it hurts, the way out
    #[arg(long, value_name = "RULE", conflicts_with_all = ["paths", "since"])]
    explain: Option<String>,
    /// Only files that were added or changed since this commit or branch
    #[arg(long, value_name = "GITREF")]
    since: Option<String>,
    /// What is known of the live database, from a file that `lockkeeper facts export` wrote there
    #[arg(long, value_name = "FILE", conflicts_with = "explain")]
    facts: Option<PathBuf>,
    /// Look at the live database itself: sizes, traffic, types, indexes, views
    #[arg(long, conflicts_with_all = ["explain", "facts"])]
    db: bool,
    /// Mend what a machine can mend without changing anything else; with --db, never a migration that is applied
    #[arg(long, conflicts_with = "explain")]
    fix: bool,
    /// Show what --fix would write, as a diff
    #[arg(long, requires = "fix", visible_alias = "diff")]
    dry_run: bool,
    /// Change also files that git could not bring back
    #[arg(long, requires = "fix")]
    allow_dirty: bool,
    /// Report also what is allowed: in SARIF as suppressions, which GitHub shows as open alerts
    #[arg(long, conflicts_with = "explain")]
    with_allowed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs; the same as --json
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

pub fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    if let Some(name) = &args.explain {
        return explain(name, context);
    }
    let lint = &context.settings.lint;
    let facts = facts::of(args, context)?;
    let found = files::find(args, &context.settings.migrations, &context.settings.project_dir)?;
    let is_meant = |path: &str| found.only.as_ref().is_none_or(|only| only.contains(path));
    let first = found.migrations.iter().position(|it| is_meant(&it.up.path));
    let options = Options {
        policy: Policy { version: facts::version(&facts, context), safe_rewrites: context.settings.safe_rewrites },
        severities: lint.severities.clone(),
        allowed: lint.allowed.clone(),
        release_from: first.filter(|_| args.since.is_some()),
        facts,
    };
    let fixed = if args.fix {
        let meant = |finding: &Finding| is_meant(&finding.place.path);
        Some(fixing::attempt(found.migrations.clone(), &meant, &options, args, context)?)
    } else {
        None
    };
    let changes = fixed.as_ref().map(|fixed| fixing::changes(&found.migrations, &fixed.sources)).unwrap_or_default();
    if !args.dry_run {
        fixing::write(&changes, context)?;
    }
    let made: BTreeSet<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    let is_meant = |path: &str| is_meant(path) || made.contains(path);
    let sources = fixed.as_ref().map_or(&found.migrations, |fixed| &fixed.sources);
    // The program ends soon: to give each statement of thousands of files back one by one takes as long as a rule.
    let read = ManuallyDrop::new(read(sources));
    let mut report = check(&read, &options);
    report.findings.retain(|finding| is_meant(&finding.place.path));
    report.allowed.retain(|allowed| is_meant(&allowed.finding.place.path));
    if let Some(fixed) = &fixed {
        fixing::by_hand(&mut report.findings, fixed);
        tell_fixed(args, &changes, fixed.mended.len(), context);
    }
    // Whether an entry of the list is still of use can only be told when everything was looked at.
    let looked_at_all = found.only.is_none() && args.paths.is_empty();
    if looked_at_all {
        report.findings.extend(unused_entries(&report.unused, &options, context));
    }
    let files: BTreeSet<&str> =
        read.iter().flat_map(|it| [Some(it.up), it.down]).flatten().map(|file| file.path.as_ref()).collect();
    let count = files.into_iter().filter(|path| is_meant(path)).count();
    tell(args, &report, count, context);
    Ok(u8::from(report.findings.iter().any(|finding| finding.severity == Severity::Error)))
}

/// Reading is most of the work.
fn read(sources: &[Source]) -> Vec<Migration<'_>> {
    files::in_parallel(sources, |it| Migration::read(&it.name, &it.up, it.down.as_ref()))
}

/// The diff where nothing was written, and the files otherwise.
fn tell_fixed(args: &Args, changes: &[Change], mended: usize, context: &Context<'_>) {
    let printer = context.printer;
    let is_human = args.format == Format::Human && !printer.is_json();
    for change in changes {
        let said = match (&change.before, &change.after) {
            (Some(_), Some(_)) => message!("fix-changed", path = change.path.as_str()),
            (None, _) => message!("fix-made", path = change.path.as_str()),
            (Some(_), None) => message!("fix-removed", path = change.path.as_str()),
        };
        if args.dry_run && is_human {
            printer.document(&fixing::diff(change));
        } else if args.dry_run {
            printer.note_text(0, &fixing::diff(change));
        } else {
            printer.note(&said);
        }
    }
    let files = changes.len();
    printer.note(&if args.dry_run {
        message!("fix-would", mended = mended, files = files)
    } else {
        message!("fix-done", mended = mended, files = files)
    });
}

fn unused_entries(unused: &[usize], options: &Options, context: &Context<'_>) -> Vec<Finding> {
    let loud = options.severities.get(UNUSED_ALLOW).copied().unwrap_or(Some(Severity::Warning));
    let (Some(severity), Some(config)) = (loud, &context.settings.config) else { return Vec::new() };
    let path = config.strip_prefix("./").unwrap_or(config).display().to_string();
    let entries = unused.iter().filter_map(|index| options.allowed.get(*index)).map(|entry| Finding {
        rule: UNUSED_ALLOW,
        severity,
        place: Place::file(path.as_str()),
        span: None,
        end: None,
        remedy: None,
        message: unused_message(true, &format!("{} ({})", entry.rule, entry.path)),
        help: message!("rule-unused-allow-help"),
    });
    entries.collect()
}

fn explain(name: &str, context: &Context<'_>) -> Answer<u8> {
    let Some(rule) = rules::named(name) else {
        let problem = Problem::usage(message!("lint-rule-unknown", rule = name));
        return Err(match likely_rule(name) {
            Some(known) => problem.hint(message!("settings-hint-did-you-mean", name = known)),
            None => problem,
        });
    };
    let printer = context.printer;
    printer.say_in(&message!("lint-explain", rule = rule.name, severity = severity_word(rule)), Tone::Strong);
    printer.line("");
    let english = rule.documentation();
    let documentation = match printer.language() {
        Language::English => english.as_str(),
        Language::Korean => rules::in_korean(rule).unwrap_or(&english).trim_end(),
    };
    printer.line(documentation);
    for (heading, examples) in [(message!("lint-bad"), rule.bad), (message!("lint-good"), rule.good)] {
        printer.line("");
        printer.say_in(&heading, Tone::Strong);
        for example in examples {
            let before = example.before.iter().map(|(_, up, _)| *up);
            for line in before.chain([example.up]).flat_map(str::lines) {
                printer.line(&format!("    {line}"));
            }
            for line in example.down.into_iter().flat_map(str::lines) {
                printer.line(&format!("    -- down: {line}"));
            }
            printer.line("");
        }
    }
    printer.answer(&serde_json::json!({
        "rule": rule.name,
        "severity": severity_word(rule),
        "documentation": rule.documentation(),
        "bad": rule.bad.iter().map(|example| example.up).collect::<Vec<_>>(),
        "good": rule.good.iter().map(|example| example.up).collect::<Vec<_>>(),
    }));
    Ok(0)
}

fn severity_word(rule: &Rule) -> &'static str {
    rule.severity.map_or("off", Severity::as_str)
}

fn tell(args: &Args, report: &Report, files: usize, context: &Context<'_>) {
    let printer = context.printer;
    let json = printer.is_json() || args.format == Format::Json;
    let (findings, allowed) = (&report.findings, report.allowed.len());
    match args.format {
        Format::Human if !json => human(findings, files, allowed, context),
        Format::Human | Format::Json => {
            printer.document(&format!("{:#}", formats::json(findings, files, allowed, printer)));
        }
        Format::Sarif => {
            let shown = if args.with_allowed { report.allowed.as_slice() } else { &[] };
            printer.document(&format!("{:#}", sarif::document(findings, shown, printer)));
        }
        Format::Github => {
            for finding in findings {
                printer.document(&formats::github(finding, printer));
            }
        }
    }
}

fn human(findings: &[Finding], files: usize, allowed: usize, context: &Context<'_>) {
    let printer = context.printer;
    // Written at once: a line at a time, thousands of findings cost more to write than to find.
    let mut page = String::new();
    for finding in findings {
        let (tone, label) = match finding.severity {
            Severity::Error => (Tone::Bad, message!("label-error")),
            Severity::Warning => (Tone::Waiting, message!("label-warning")),
            Severity::Note => (Tone::Quiet, message!("label-note")),
        };
        let what = finding.message.clone();
        let said = printer.painted(&message!("lint-finding", label = label, rule = finding.rule, what = what), tone);
        let help = printer.text(&message!("lint-help", help = finding.help.clone()));
        for part in [said.as_str(), "\n", &printer.place(&finding.place), "\n  ", &help, "\n\n"] {
            page.push_str(part);
        }
    }
    if !page.is_empty() {
        printer.line(page.strip_suffix('\n').unwrap_or(&page));
    }
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    printer.say(&message!(
        "lint-summary",
        files = files,
        errors = of(Severity::Error),
        warnings = of(Severity::Warning),
        notes = of(Severity::Note),
        allowed = allowed
    ));
}
