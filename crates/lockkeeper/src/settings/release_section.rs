//! The sections `[release]` and `[hooks]` of `lockkeeper.toml`: by which terms a release drives itself, and the commands
//! by which it moves the application.

use std::ffi::OsString;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use lockkeeper_core::release::{OnBreach, OnExpiry};
use lockkeeper_engine::driver::{AppHook, AppHooks, ReleaseTerms};
use lockkeeper_engine::process::CommandLine;
use serde::Deserialize;
use toml::Spanned;

use super::file::Source;
use super::hook_kit::RawKit;

/// What the file says of releases.
#[derive(Debug, Clone)]
pub struct FileRelease {
    /// Without the versions, which the command line gives.
    pub terms: ReleaseTerms,
    pub hooks: AppHooks,
}

impl Default for FileRelease {
    fn default() -> Self {
        Self { terms: ReleaseTerms::usual(), hooks: AppHooks::default() }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRelease {
    watch: Option<Spanned<String>>,
    settle: Option<Spanned<String>>,
    answers_within: Option<Spanned<String>>,
    baseline: Option<Spanned<String>>,
    cool_down: Option<Spanned<String>>,
    on_breach: Option<Spanned<String>>,
    stop_app: Option<bool>,
    verify: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHooks {
    deploy: Option<RawHook>,
    wait_deployed: Option<RawHook>,
    rollback_app: Option<RawHook>,
    stop_app: Option<RawHook>,
    start_app: Option<RawHook>,
    kubernetes: Option<RawKit>,
    argo_rollouts: Option<RawKit>,
    compose: Option<RawKit>,
    systemd: Option<RawKit>,
    script: Option<RawKit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHook {
    run: Spanned<Run>,
    timeout: Option<Spanned<String>>,
    retries: Option<u32>,
}

/// A line for the shell, or a program with its arguments.
#[derive(Deserialize)]
#[serde(untagged)]
enum Run {
    Line(String),
    Words(Vec<String>),
}

/// A deploy that takes longer is told so in the file.
pub(super) const TIMEOUT: Duration = Duration::from_mins(15);

impl Source<'_> {
    pub(super) fn release(&self, release: RawRelease, hooks: RawHooks) -> Answer<FileRelease> {
        let usual = ReleaseTerms::usual();
        let on_breach = match &release.on_breach {
            None => usual.on_breach,
            Some(word) => OnBreach::from_ledger(word.get_ref()).ok_or_else(|| {
                Problem::usage(message!("settings-on-breach", value = word.get_ref().as_str()))
                    .at(self.place(word.span()))
            })?,
        };
        let terms = ReleaseTerms {
            watch: self.duration(release.watch)?.unwrap_or(usual.watch),
            settle: self.duration(release.settle)?.unwrap_or(usual.settle),
            answers_within: self.duration(release.answers_within)?.unwrap_or(usual.answers_within),
            baseline: self.duration(release.baseline)?.unwrap_or(usual.baseline),
            cool_down: self.duration(release.cool_down)?.unwrap_or(usual.cool_down),
            on_breach,
            stops_app: release.stop_app.unwrap_or(usual.stops_app),
            verifies: release.verify.unwrap_or(usual.verifies),
            ..usual
        };
        Ok(FileRelease { terms, hooks: self.hooks(hooks)? })
    }

    /// A hook that is written out goes before the one of the kit.
    fn hooks(&self, raw: RawHooks) -> Answer<AppHooks> {
        let named = [
            ("kubernetes", raw.kubernetes),
            ("argo_rollouts", raw.argo_rollouts),
            ("compose", raw.compose),
            ("systemd", raw.systemd),
            ("script", raw.script),
        ];
        let mut kits = named.into_iter().filter_map(|(name, kit)| Some((name, kit?)));
        let kit = match (kits.next(), kits.next()) {
            (None, _) => AppHooks::default(),
            (Some((name, kit)), None) => self.hook_kit(name, kit)?,
            (Some((one, _)), Some((other, kit))) => {
                let why = message!("settings-hook-kit-several", one = one, other = other);
                return Err(Problem::usage(why).at(self.place(kit.span())));
            }
        };
        Ok(AppHooks {
            deploy: self.hook(raw.deploy)?.or(kit.deploy),
            wait_deployed: self.hook(raw.wait_deployed)?.or(kit.wait_deployed),
            rollback_app: self.hook(raw.rollback_app)?.or(kit.rollback_app),
            stop_app: self.hook(raw.stop_app)?.or(kit.stop_app),
            start_app: self.hook(raw.start_app)?.or(kit.start_app),
        })
    }

    /// How long an approval is waited for, and what becomes of the release then.
    pub(super) fn approval_wait(
        &self,
        at_most: Option<Spanned<String>>,
        on_expiry: Option<&Spanned<String>>,
        terms: &mut ReleaseTerms,
    ) -> Answer<()> {
        let is_said = at_most.is_some();
        let limit = self.not_zero(at_most, message!("settings-approval-wait-zero"))?;
        if let Some(word) = on_expiry {
            let unknown = || {
                Problem::usage(message!("settings-on-expiry", value = word.get_ref().as_str()))
                    .at(self.place(word.span()))
            };
            terms.on_expiry = OnExpiry::from_ledger(word.get_ref()).ok_or_else(unknown)?;
            if !is_said && terms.on_expiry == OnExpiry::RollBack {
                return Err(Problem::usage(message!("settings-on-expiry-never")).at(self.place(word.span())));
            }
        }
        terms.approval_within = limit;
        Ok(())
    }

    fn hook(&self, hook: Option<RawHook>) -> Answer<Option<AppHook>> {
        let Some(hook) = hook else { return Ok(None) };
        let span = hook.run.span();
        let words = match hook.run.into_inner() {
            Run::Line(line) if line.trim().is_empty() => Vec::new(),
            Run::Line(line) => vec!["/bin/sh".to_owned(), "-c".to_owned(), line],
            Run::Words(words) => words,
        };
        let mut words = words.into_iter().map(OsString::from);
        let program = words
            .next()
            .filter(|program| !program.is_empty())
            .ok_or_else(|| Problem::usage(message!("settings-hook-empty")).at(self.place(span)))?;
        let timeout = self.not_zero(hook.timeout, message!("settings-hook-timeout"))?;
        let line = CommandLine {
            program,
            arguments: words.collect(),
            environment: Vec::new(),
            time_limit: timeout.unwrap_or(TIMEOUT),
        };
        Ok(Some(AppHook { line, retries: hook.retries.unwrap_or(0) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file;

    fn read(text: &str) -> Result<FileRelease, &'static str> {
        file::parse("lockkeeper.toml", text).map(|file| file.release).map_err(|problem| problem.message.id)
    }

    #[test]
    fn a_hook_is_a_line_or_words() {
        let text = "[hooks.deploy]\nrun = \"./deploy.sh $LOCKKEEPER_VERSION\"\nretries = 2\ntimeout = \"90s\"\n\
                    [hooks.rollback_app]\nrun = [\"kubectl\", \"rollout\", \"undo\"]";
        let hooks = read(text).unwrap().hooks;
        let deploy = hooks.deploy.unwrap();
        assert_eq!(deploy.line.program, "/bin/sh");
        assert_eq!((deploy.retries, deploy.line.time_limit), (2, Duration::from_secs(90)));
        let back = hooks.rollback_app.unwrap();
        assert_eq!((back.line.program.to_str(), back.line.arguments.len()), (Some("kubectl"), 2));
        assert!(hooks.stop_app.is_none());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (text, expected) in [
            ("[release]\non_breach = \"nothing\"", "settings-on-breach"),
            ("[release]\nwatch = \"soon\"", "settings-duration-invalid"),
            ("[hooks.deploy]\nrun = \"\"", "settings-hook-empty"),
            ("[hooks.deploy]\nrun = []", "settings-hook-empty"),
            ("[hooks.deploy]\nrun = \"x\"\ntimeout = \"0s\"", "settings-hook-timeout"),
            ("[hooks]\ndeploys = 1", "settings-file-unknown-key"),
        ] {
            assert_eq!(read(text).map(|_| ()), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_wait_that_ends_says_what_becomes_of_the_release() {
        let terms = |text: &str| read(text).map(|release| (release.terms.approval_within, release.terms.on_expiry));
        assert_eq!(terms(""), Ok((None, OnExpiry::Wait)));
        let days = Some(Duration::from_hours(72));
        assert_eq!(terms("[approval]\nwait_at_most = \"72h\""), Ok((days, OnExpiry::Wait)));
        let back = "[approval]\nwait_at_most = \"72h\"\non_expiry = \"rollback\"";
        assert_eq!(terms(back), Ok((days, OnExpiry::RollBack)));
        assert_eq!(terms("[approval]\non_expiry = \"rollback\""), Err("settings-on-expiry-never"));
        assert_eq!(terms("[approval]\non_expiry = \"give up\""), Err("settings-on-expiry"));
        assert_eq!(terms("[approval]\nwait_at_most = \"0\""), Err("settings-approval-wait-zero"));
    }

    #[test]
    fn terms_are_the_usual_ones_unless_said() {
        assert_eq!(read("").unwrap().terms, ReleaseTerms::usual());
        let own = read("[release]\nwatch = \"2m\"\non_breach = \"app\"\nverify = false").unwrap().terms;
        assert_eq!((own.watch, own.on_breach, own.verifies), (Duration::from_mins(2), OnBreach::App, false));
    }
}
