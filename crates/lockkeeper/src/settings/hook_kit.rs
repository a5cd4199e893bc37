//! Ready-made hooks: `[hooks.kubernetes]` and its like stand for all five commands of a release. Each is a script of the
//! shell that is told its options by the environment, and may be run twice for every task.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Range;
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use lockkeeper_engine::driver::{AppHook, AppHooks};
use lockkeeper_engine::process::CommandLine;
use toml::Spanned;

use super::file::Source;
use super::release_section::TIMEOUT;

/// One kind of ready-made hooks.
struct HookKit {
    /// As the section calls it.
    name: &'static str,
    script: &'static str,
    options: &'static [KitOption],
}

/// What a kit's section says. The script finds it in `LOCKKEEPER_HOOK_` and the name in capitals.
struct KitOption {
    name: &'static str,
    otherwise: Otherwise,
}

/// What an option is when the section does not say.
enum Otherwise {
    /// There is no release without it.
    Refused,
    Nothing,
    Value(&'static str),
    /// What another one is.
    As(&'static str),
}

use Otherwise::{As, Nothing, Refused, Value};

const fn option(name: &'static str, otherwise: Otherwise) -> KitOption {
    KitOption { name, otherwise }
}

const KITS: [HookKit; 5] = [
    HookKit {
        name: "kubernetes",
        script: include_str!("hook_kit/kubernetes.sh"),
        options: &[
            option("deployment", Refused),
            option("image", Refused),
            option("container", As("deployment")),
            option("namespace", Nothing),
            option("context", Nothing),
        ],
    },
    HookKit {
        name: "argo_rollouts",
        script: include_str!("hook_kit/argo_rollouts.sh"),
        options: &[
            option("rollout", Refused),
            option("image", Refused),
            option("container", As("rollout")),
            option("namespace", Nothing),
            option("context", Nothing),
        ],
    },
    HookKit {
        name: "compose",
        script: include_str!("hook_kit/compose.sh"),
        options: &[
            option("service", Refused),
            option("variable", Refused),
            option("file", Value("compose.yaml")),
            option("env_file", Value("release.env")),
            option("project", Nothing),
        ],
    },
    HookKit {
        name: "systemd",
        script: include_str!("hook_kit/systemd.sh"),
        options: &[option("unit", Refused), option("versions", Refused), option("current", Refused)],
    },
    HookKit { name: "script", script: include_str!("hook_kit/script.sh"), options: &[option("path", Refused)] },
];

/// A kit's section, as it stands in the file.
pub(super) type RawKit = Spanned<BTreeMap<String, Spanned<toml::Value>>>;

/// A program that waits by itself is told to give up so long before it is made to: it knows better why.
const MARGIN: Duration = Duration::from_secs(5);

impl Source<'_> {
    /// All hooks, by the kit's section of this name.
    pub(super) fn hook_kit(&self, name: &str, section: RawKit) -> Answer<AppHooks> {
        let whole = section.span();
        let mut said = section.into_inner();
        let Some(kit) = KITS.iter().find(|kit| kit.name == name) else { return Ok(AppHooks::default()) };
        let timeout = match said.remove("timeout") {
            Some(value) => self.kit_text(kit, "timeout", value).map(Some)?,
            None => None,
        };
        let timeout = self.not_zero(timeout, message!("settings-hook-timeout"))?.unwrap_or(TIMEOUT);
        let retries = match said.remove("retries") {
            Some(value) => self.kit_retries(value)?,
            None => 0,
        };
        let seconds = timeout.saturating_sub(MARGIN).as_secs().max(1);
        let mut environment = vec![told("seconds", &seconds.to_string())];
        let mut values = BTreeMap::new();
        for option in kit.options {
            let value = match said.remove(option.name) {
                Some(value) => self.kit_text(kit, option.name, value)?.into_inner(),
                None => otherwise(kit, option, &values).map_err(|problem| problem.at(self.place(whole.clone())))?,
            };
            environment.push(told(option.name, &value));
            values.insert(option.name, value);
        }
        if let Some((unknown, value)) = said.into_iter().next() {
            let known: Vec<&str> = kit.options.iter().map(|option| option.name).collect();
            let why = message!(
                "settings-hook-kit-unknown",
                kit = kit.name,
                option = unknown.as_str(),
                known = format!("{}, timeout, retries", known.join(", "))
            );
            return Err(Problem::usage(why).at(self.place(value.span())));
        }
        let hook = AppHook {
            line: CommandLine {
                program: "/bin/sh".into(),
                arguments: ["-c", kit.script].map(OsString::from).into(),
                environment,
                time_limit: timeout,
            },
            retries,
        };
        let same = || Some(hook.clone());
        Ok(AppHooks {
            deploy: same(),
            wait_deployed: same(),
            rollback_app: same(),
            stop_app: same(),
            start_app: same(),
        })
    }

    fn kit_text(&self, kit: &HookKit, option: &str, value: Spanned<toml::Value>) -> Answer<Spanned<String>> {
        let span = value.span();
        match value.into_inner() {
            toml::Value::String(text) if !text.trim().is_empty() => Ok(Spanned::new(span, text)),
            _ => Err(self.kit_mistyped(kit.name, option, "\"…\"", span)),
        }
    }

    fn kit_retries(&self, value: Spanned<toml::Value>) -> Answer<u32> {
        let span = value.span();
        let number = value.into_inner().as_integer().and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| self.kit_mistyped("hooks", "retries", "0, 1, 2, …", span))
    }

    fn kit_mistyped(&self, kit: &str, option: &str, expected: &str, span: Range<usize>) -> Box<Problem> {
        let why = message!("settings-hook-kit-mistyped", kit = kit, option = option, expected = expected);
        Problem::usage(why).at(self.place(span))
    }
}

fn otherwise(kit: &HookKit, option: &KitOption, values: &BTreeMap<&str, String>) -> Answer<String> {
    match option.otherwise {
        Nothing => Ok(String::new()),
        Value(value) => Ok(value.to_owned()),
        As(other) => Ok(values.get(other).cloned().unwrap_or_default()),
        Refused => Err(Problem::usage(message!("settings-hook-kit-missing", kit = kit.name, option = option.name))),
    }
}

fn told(option: &str, value: &str) -> (OsString, OsString) {
    (format!("LOCKKEEPER_HOOK_{}", option.to_uppercase()).into(), value.into())
}

#[cfg(test)]
mod tests {
    use crate::settings::file;
    use crate::settings::release_section::FileRelease;

    fn read(text: &str) -> Result<FileRelease, &'static str> {
        file::parse("lockkeeper.toml", text).map(|file| file.release).map_err(|problem| problem.message.id)
    }

    fn told(text: &str) -> String {
        let line = read(text).unwrap().hooks.deploy.unwrap().line;
        let pairs = line.environment.iter().map(|(name, value)| format!("{}={}", name.display(), value.display()));
        pairs.collect::<Vec<_>>().join(" ").replace("LOCKKEEPER_HOOK_", "")
    }

    #[test]
    fn a_kit_stands_for_all_hooks_and_tells_its_options() {
        let text =
            "[hooks.kubernetes]\ndeployment = \"shop\"\nimage = \"shop\"\nnamespace = \"live\"\ntimeout = \"65s\"";
        assert_eq!(told(text), "SECONDS=60 DEPLOYMENT=shop IMAGE=shop CONTAINER=shop NAMESPACE=live CONTEXT=");
        let hooks = read(text).unwrap().hooks;
        assert!(hooks.wait_deployed.is_some() && hooks.rollback_app.is_some() && hooks.start_app.is_some());
        let text = "[hooks.compose]\nservice = \"web\"\nvariable = \"TAG\"\nenv_file = \"live.env\"";
        assert_eq!(told(text), "SECONDS=895 SERVICE=web VARIABLE=TAG FILE=compose.yaml ENV_FILE=live.env PROJECT=");
    }

    #[test]
    fn a_hook_of_ones_own_goes_before_the_kits() {
        let text = "[hooks.script]\npath = \"./move.sh\"\n[hooks.deploy]\nrun = [\"./own.sh\"]";
        let hooks = read(text).unwrap().hooks;
        assert_eq!(hooks.deploy.unwrap().line.program, "./own.sh");
        assert_eq!(hooks.rollback_app.unwrap().line.program, "/bin/sh");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (text, expected) in [
            ("[hooks.kubernetes]\nimage = \"shop\"", "settings-hook-kit-missing"),
            ("[hooks.script]\npath = \"x\"\nargs = \"y\"", "settings-hook-kit-unknown"),
            ("[hooks.script]\npath = 3", "settings-hook-kit-mistyped"),
            ("[hooks.script]\npath = \" \"", "settings-hook-kit-mistyped"),
            ("[hooks.script]\npath = \"x\"\nretries = -1", "settings-hook-kit-mistyped"),
            ("[hooks.script]\npath = \"x\"\ntimeout = \"0s\"", "settings-hook-timeout"),
            (
                "[hooks.script]\npath = \"x\"\n[hooks.systemd]\nunit = \"x\"\nversions = \"v\"\ncurrent = \"c\"",
                "settings-hook-kit-several",
            ),
            ("[hooks.nomad]\njob = \"x\"", "settings-file-unknown-key"),
        ] {
            assert_eq!(read(text).map(|_| ()), Err(expected), "{text}");
        }
    }
}
