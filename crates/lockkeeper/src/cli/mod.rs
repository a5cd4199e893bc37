//! The command line: one file for each command under `commands`.

mod alerts;
mod authors;
mod commands;
mod context;
mod files;
mod help;
mod salvages;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use lockkeeper_core::model::{Answer, ExitClass};

use crate::printer::{Language, Printer, Tone};
use crate::settings::{self, ColorChoice, GlobalFlags, Settings};
use context::Context;

/// Changes the schema of a running PostgreSQL in two stages, with the code deploy between them.
#[derive(Debug, Parser)]
#[command(name = "lockkeeper", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    flags: GlobalFlags,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0        done, or healthy
  1        refused by a gate or a rule, or unhealthy
  2        usage or configuration
  3        a migration failed: the message says what is recorded, what is not, and the next command
  4        lease busy, or lock budget spent: nothing was changed
  5        the release was rolled back
  6        inconclusive: not enough to judge by
  130/143  interrupted at a safe point by SIGINT/SIGTERM

Example:
  lockkeeper plan && lockkeeper stage1 && lockkeeper status";

/// In the order in which a release uses them.
#[derive(Debug, Subcommand)]
enum Command {
    Init(commands::init::Args),
    New(commands::new::Args),
    Lint(commands::lint::Args),
    Facts(commands::facts::Args),
    Docs(commands::docs::Args),
    Plan(commands::plan::Args),
    Verify(commands::verify::Args),
    Stage1(commands::stage1::Args),
    Status(commands::status::Args),
    Deployed(commands::deployed::Args),
    Approve(commands::approve::Args),
    Stage2(commands::stage2::Args),
    Rollback(commands::rollback::Args),
    Emergency(commands::emergency::Args),
    Release(commands::release::Args),
    Backup(commands::backup::Args),
    Checklist(commands::checklist::Args),
    Health(commands::health::Args),
    Notify(commands::notify::Args),
    Log(commands::log::Args),
    Demo(commands::demo::Args),
    #[command(hide = true)]
    DemoShop(commands::demo::shop::Args),
}

/// Runs one command line. Everything that can be said is said; the exit code is the rest.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let command = help::in_language(command(), help::language(&args));
    let parsed = command.try_get_matches_from(args).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no error; clap knows which is which.
            let _ = error.print();
            let usage = ExitCode::from(ExitClass::Usage.code());
            return if error.use_stderr() { usage } else { ExitCode::SUCCESS };
        }
    };
    let settings = match cli.command {
        // Whatever is wrong with the configuration must not keep anybody from going back.
        Command::Emergency(_) => Ok(settings::load_whatever(&cli.flags)),
        _ => settings::load(&cli.flags),
    };
    let printer = printer(&cli.flags, settings.as_ref().ok());
    match settings.and_then(|settings| execute(cli.command, settings, cli.flags, &printer)) {
        Ok(code) => ExitCode::from(code),
        Err(problem) => {
            printer.problem(&problem);
            ExitCode::from(problem.exit.code())
        }
    }
}

/// The command line as clap knows it, in English.
fn command() -> clap::Command {
    Cli::command().disable_help_subcommand(true)
}

/// Settings that cannot be read must still be told in the right language.
fn printer(flags: &GlobalFlags, settings: Option<&Settings>) -> Printer {
    let language = settings.map_or_else(|| settings::language(flags), |settings| settings.language.clone());
    let color = match settings.map_or(flags.color, |settings| settings.color) {
        ColorChoice::Auto => None,
        ColorChoice::Always => Some(true),
        ColorChoice::Never => Some(false),
    };
    Printer::new(Language::from_locale(language.as_deref()), color, flags.json)
}

fn execute(command: Command, settings: Settings, flags: GlobalFlags, printer: &Printer) -> Answer<u8> {
    for warning in &settings.warnings {
        printer.note_in(warning, Tone::Waiting);
    }
    let context = Context::new(settings, flags, printer)?;
    let may_alert = matches!(
        command,
        Command::Stage1(_)
            | Command::Deployed(_)
            | Command::Approve(_)
            | Command::Stage2(_)
            | Command::Rollback(_)
            | Command::Emergency(_)
    );
    let code = match command {
        Command::Init(args) => commands::init::run(&args, &context),
        Command::New(args) => commands::new::run(&args, &context),
        Command::Lint(args) => commands::lint::run(&args, &context),
        Command::Facts(args) => context.wait(commands::facts::run(&args, &context)),
        Command::Docs(args) => context.wait(commands::docs::run(&args, &context)),
        Command::Plan(args) => context.wait(commands::plan::run(&args, &context)),
        Command::Verify(args) => context.wait(commands::verify::run(&args, &context)),
        Command::Stage1(args) => context.wait(commands::stage1::run(&args, &context)),
        Command::Status(args) => context.wait(commands::status::run(&args, &context)),
        Command::Deployed(args) => context.wait(commands::deployed::run(&args, &context)),
        Command::Approve(args) => context.wait(commands::approve::run(&args, &context)),
        Command::Stage2(args) => context.wait(commands::stage2::run(&args, &context)),
        Command::Rollback(args) => context.wait(commands::rollback::run(&args, &context)),
        Command::Emergency(args) => context.wait(commands::emergency::run(&args, &context)),
        Command::Release(args) => context.wait(commands::release::run(&args, &context)),
        Command::Backup(args) => context.wait(commands::backup::run(&args, &context)),
        Command::Checklist(args) => context.wait(commands::checklist::run(&args, &context)),
        Command::Health(args) => context.wait(commands::health::run(&args, &context)),
        Command::Notify(args) => context.wait(commands::notify::run(&args, &context)),
        Command::Log(args) => context.wait(commands::log::run(&args, &context)),
        Command::Demo(args) => commands::demo::run(&args, &context),
        Command::DemoShop(args) => context.wait(commands::demo::shop::run(&args, &context)),
    };
    if !may_alert {
        return code;
    }
    // What happened is said before alerts are delivered, which may take a moment.
    let code = code.unwrap_or_else(|problem| {
        printer.problem(&problem);
        problem.exit.code()
    });
    context.wait(context.deliver_alerts());
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound_and_every_command_has_an_example() {
        let mut command = command();
        command.clone().debug_assert();
        for sub in command.get_subcommands_mut() {
            let help = sub.render_long_help().to_string();
            assert!(help.contains("Example"), "{} has no example", sub.get_name());
        }
    }
}
