//! The sentences, one catalogue per language.

use fluent_bundle::{FluentArgs, FluentBundle, FluentResource, FluentValue};
use lockkeeper_core::model::{Arg, Message};
use unic_langid::LanguageIdentifier;

use super::Language;

/// Every catalogue file, in each language. A test holds the pairs against one another.
const SOURCES: [(&str, &str); 13] = [
    (include_str!("catalogue/alerts.en.ftl"), include_str!("catalogue/alerts.ko.ftl")),
    (include_str!("catalogue/backup.en.ftl"), include_str!("catalogue/backup.ko.ftl")),
    (include_str!("catalogue/cli.en.ftl"), include_str!("catalogue/cli.ko.ftl")),
    (include_str!("catalogue/connect.en.ftl"), include_str!("catalogue/connect.ko.ftl")),
    (include_str!("catalogue/effects.en.ftl"), include_str!("catalogue/effects.ko.ftl")),
    (include_str!("catalogue/emergency.en.ftl"), include_str!("catalogue/emergency.ko.ftl")),
    (include_str!("catalogue/files.en.ftl"), include_str!("catalogue/files.ko.ftl")),
    (include_str!("catalogue/gates.en.ftl"), include_str!("catalogue/gates.ko.ftl")),
    (include_str!("catalogue/health.en.ftl"), include_str!("catalogue/health.ko.ftl")),
    (include_str!("catalogue/journey.en.ftl"), include_str!("catalogue/journey.ko.ftl")),
    (include_str!("catalogue/lint.en.ftl"), include_str!("catalogue/lint.ko.ftl")),
    (include_str!("catalogue/release.en.ftl"), include_str!("catalogue/release.ko.ftl")),
    (include_str!("catalogue/salvage.en.ftl"), include_str!("catalogue/salvage.ko.ftl")),
];

/// The help texts that are laid over the English ones.
const HELP: &str = include_str!("help.ko.ftl");

/// The messages of one language.
pub struct Catalogue {
    bundle: FluentBundle<FluentResource>,
}

impl Catalogue {
    pub fn new(language: Language) -> Self {
        let of_language = SOURCES.into_iter().map(|(english, korean)| match language {
            Language::English => english,
            Language::Korean => korean,
        });
        Self::of_sources(language, of_language)
    }

    /// The Korean help texts.
    pub fn of_help() -> Self {
        Self::of_sources(Language::Korean, [HELP])
    }

    /// The identifiers of the help texts.
    pub fn help_ids() -> impl Iterator<Item = String> {
        HELP.lines()
            .filter_map(|line| line.split_once(" ="))
            .map(|(id, _)| id.to_owned())
            .filter(|id| id.starts_with("help"))
    }

    fn of_sources<'s>(language: Language, sources: impl IntoIterator<Item = &'s str>) -> Self {
        let tag: LanguageIdentifier = language.tag().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new(vec![tag]);
        // Marks around arguments help right-to-left scripts and spoil copied commands.
        bundle.set_use_isolating(false);
        for source in sources {
            // A broken entry is found by the test; what can be read is used.
            let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(readable, _)| readable);
            bundle.add_resource_overriding(resource);
        }
        Self { bundle }
    }

    /// A text without arguments.
    pub fn entry(&self, id: &str) -> Option<String> {
        let pattern = self.bundle.get_message(id)?.value()?;
        Some(self.bundle.format_pattern(pattern, None, &mut Vec::new()).into_owned())
    }

    /// The message in this language. A message without an entry shows its identifier and arguments.
    pub fn text(&self, message: &Message) -> String {
        let Some(pattern) = self.bundle.get_message(message.id).and_then(|entry| entry.value()) else {
            return message.to_string();
        };
        let mut args = FluentArgs::new();
        for (name, value) in &message.args {
            args.set(*name, self.value(value));
        }
        let mut errors = Vec::new();
        self.bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned()
    }

    /// A message that was stored as JSON: its identifier, and its arguments by name. What is no message is shown as
    /// it stands there.
    pub fn stored(&self, value: &serde_json::Value) -> String {
        let id = value["id"].as_str().unwrap_or_default();
        let Some(pattern) = self.bundle.get_message(id).and_then(|entry| entry.value()) else {
            return value.to_string();
        };
        let mut args = FluentArgs::new();
        for (name, value) in value["args"].as_object().into_iter().flatten() {
            args.set(name.clone(), self.stored_value(value));
        }
        self.bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned()
    }

    fn stored_value(&self, value: &serde_json::Value) -> FluentValue<'static> {
        match value {
            serde_json::Value::String(text) => FluentValue::from(text.clone()),
            serde_json::Value::Number(number) => FluentValue::from(number.as_i64().unwrap_or_default()),
            serde_json::Value::Array(values) => {
                FluentValue::from(values.iter().map(|value| self.stored(value)).collect::<Vec<_>>().join(", "))
            }
            other => FluentValue::from(self.stored(other)),
        }
    }

    fn value(&self, arg: &Arg) -> FluentValue<'static> {
        match arg {
            Arg::Text(text) => FluentValue::from(text.clone()),
            Arg::Number(number) => FluentValue::from(*number),
            Arg::Message(message) => FluentValue::from(self.text(message)),
            Arg::List(messages) => {
                FluentValue::from(messages.iter().map(|message| self.text(message)).collect::<Vec<_>>().join(", "))
            }
        }
    }
}
