//! The help texts in the reader's language. English stands beside the arguments it explains, in their doc
//! comments; another language is laid over it from the catalogue, by the names of command and argument.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

use crate::printer::{Catalogue, Language};

/// The language for the help, which is asked for before the command line is read.
pub fn language(args: &[OsString]) -> Language {
    let mut words = args.iter().filter_map(|arg| arg.to_str());
    let flag = words.clone().find_map(|word| word.strip_prefix("--lang="));
    let after = || words.find(|word| *word == "--lang").and_then(|_| words.next());
    let flagged = flag.or_else(after).map(str::to_owned);
    let environment = || ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(|name| std::env::var(name).ok());
    Language::from_locale(flagged.or_else(environment).as_deref())
}

/// The command with its help in a language.
pub fn in_language(command: Command, language: Language) -> Command {
    match language {
        Language::English => command,
        Language::Korean => translated(command, &Catalogue::of_help()),
    }
}

const TEMPLATE: &str = "{about-with-newline}\n사용법: {usage}\n\n{all-args}{after-help}";

fn translated(command: Command, catalogue: &Catalogue) -> Command {
    let name = command.get_name().to_owned();
    let path = if name == "lockkeeper" { String::new() } else { format!("-{name}") };
    let arguments: Vec<String> = command.get_arguments().map(|argument| argument.get_id().to_string()).collect();
    let mut command = command.help_template(TEMPLATE).subcommand_help_heading("명령");
    if let Some(about) = catalogue.entry(&format!("help{path}")) {
        command = command.about(about.clone()).long_about(about);
    }
    if let Some(after) = catalogue.entry(&format!("help{path}-epilogue")) {
        command = command.after_help(after);
    }
    for argument in arguments {
        let own = format!("help{path}-{}", argument.replace('_', "-"));
        let shared = format!("help-{}", argument.replace('_', "-"));
        if let Some(text) = catalogue.entry(&own).or_else(|| catalogue.entry(&shared)) {
            command = command.mut_arg(argument, |argument| {
                let heading = heading(&argument);
                argument.help(text.clone()).long_help(text).help_heading(heading)
            });
        }
    }
    let help =
        Arg::new("help").short('h').long("help").action(ArgAction::Help).help("도움말 표시").help_heading("옵션");
    command = command.disable_help_flag(true).arg(help);
    let children: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for child in children {
        command = command.mut_subcommand(child, |sub| translated(sub, catalogue));
    }
    command
}

fn heading(argument: &Arg) -> &'static str {
    match argument.get_help_heading() {
        Some(_) => "공통 옵션",
        None if argument.is_positional() => "인자",
        None => "옵션",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn the_flag_chooses_the_language() {
        assert_eq!(language(&args(&["lockkeeper", "--lang", "ko", "--help"])), Language::Korean);
        assert_eq!(language(&args(&["lockkeeper", "plan", "--lang=ko"])), Language::Korean);
        assert_eq!(language(&args(&["lockkeeper", "--lang", "en"])), Language::English);
    }

    #[test]
    fn every_command_and_argument_is_translated_and_nothing_else() {
        let catalogue = Catalogue::of_help();
        let mut wanted = Vec::new();
        wanted_ids(&crate::cli::command(), "", &mut wanted);
        let missing: Vec<_> = wanted.iter().filter(|ids| ids.iter().all(|id| catalogue.entry(id).is_none())).collect();
        assert!(missing.is_empty(), "not in help.ko.ftl: {missing:?}");
        let known: Vec<String> = wanted.into_iter().flatten().collect();
        let superfluous: Vec<_> = Catalogue::help_ids().filter(|id| !known.contains(id)).collect();
        assert!(superfluous.is_empty(), "in help.ko.ftl and nowhere else: {superfluous:?}");
    }

    /// For each text the identifiers under which it may stand.
    fn wanted_ids(command: &Command, path: &str, wanted: &mut Vec<Vec<String>>) {
        wanted.push(vec![format!("help{path}")]);
        wanted.push(vec![format!("help{path}-epilogue")]);
        for argument in command.get_arguments() {
            let name = argument.get_id().to_string().replace('_', "-");
            wanted.push(vec![format!("help{path}-{name}"), format!("help-{name}")]);
        }
        for sub in command.get_subcommands() {
            wanted_ids(sub, &format!("{path}-{}", sub.get_name()), wanted);
        }
    }
}
