//! The section `[notify]` of `lockkeeper.toml`: who is told of what, and how. Secrets stand in the environment alone;
//! the file names the variable.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{AlertEffect, AlertKind, Answer, Message, Problem, Severity};
use lockkeeper_engine::notify::{
    ALERTMANAGER_PATH, Channel, CommandReceiver, Email, Endpoint, PAGERDUTY_ADDRESS, Receiver, Reminders, Route,
    Routes, SigningKey, SmtpTls,
};
use lockkeeper_engine::postgres::{RootCert, Secret};
use lockkeeper_engine::probe::{Header, UrlFault};
use serde::Deserialize;
use toml::Spanned;

use super::Sources;
use super::file::Source;
use super::resolve::beside_config;

/// Who is told of what.
#[derive(Debug, Clone)]
pub struct Notify {
    pub receivers: Vec<Receiver>,
    /// What stands is told of again after this time.
    pub remind: Reminders,
}

/// What the file says; variables by their names.
#[derive(Debug, Clone, Default)]
pub struct FileNotify {
    remind_every: Option<Duration>,
    receivers: Vec<FileReceiver>,
}

#[derive(Debug, Clone)]
struct FileReceiver {
    route: Route,
    lang: Option<String>,
    limit: Duration,
    root_cert: Option<String>,
    channel: FileChannel,
}

#[derive(Debug, Clone)]
enum FileChannel {
    Slack { url: FileUrl },
    Webhook { url: FileUrl, keys: Vec<String> },
    PagerDuty { url: FileUrl, routing_key: String },
    Alertmanager { url: FileUrl, authorization: Option<String>, labels: BTreeMap<String, String> },
    Email { email: Email, credentials: Option<(String, String)> },
    Command { run: Vec<String> },
}

/// An address as it stands there, or the variable that holds it.
#[derive(Debug, Clone)]
enum FileUrl {
    Given(String),
    Named(String),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNotify {
    remind_every: Option<Spanned<String>>,
    #[serde(default)]
    slack: Vec<RawSlack>,
    #[serde(default)]
    webhook: Vec<RawWebhook>,
    #[serde(default)]
    pagerduty: Vec<RawPagerDuty>,
    #[serde(default)]
    alertmanager: Vec<RawAlertmanager>,
    #[serde(default)]
    email: Vec<RawEmail>,
    #[serde(default)]
    command: Vec<RawCommand>,
}

/// What every receiver has.
struct Common<'r> {
    name: &'r Spanned<String>,
    severity: Option<&'r Spanned<String>>,
    kinds: Option<&'r Vec<Spanned<String>>>,
    lang: Option<&'r Spanned<String>>,
    timeout: Option<&'r Spanned<String>>,
    root_cert: Option<&'r String>,
}

/// A receiver's keys beside those that all have: the library refuses unknown keys only where all are named.
macro_rules! raw_receiver {
    ($name:ident { $($(#[$meta:meta])* $field:ident: $type:ty),* $(,)? }) => {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $name {
            name: Spanned<String>,
            severity: Option<Spanned<String>>,
            kinds: Option<Vec<Spanned<String>>>,
            lang: Option<Spanned<String>>,
            timeout: Option<Spanned<String>>,
            root_cert: Option<String>,
            $($(#[$meta])* $field: $type,)*
        }

        impl $name {
            const fn common(&self) -> Common<'_> {
                Common {
                    name: &self.name,
                    severity: self.severity.as_ref(),
                    kinds: self.kinds.as_ref(),
                    lang: self.lang.as_ref(),
                    timeout: self.timeout.as_ref(),
                    root_cert: self.root_cert.as_ref(),
                }
            }
        }
    };
}

raw_receiver!(RawSlack { url_env: Spanned<String> });
raw_receiver!(RawWebhook {
    url: Option<Spanned<String>>,
    url_env: Option<Spanned<String>>,
    #[serde(default)]
    secrets_env: Vec<Spanned<String>>,
});
raw_receiver!(RawPagerDuty { url: Option<Spanned<String>>, routing_key_env: Spanned<String> });
raw_receiver!(RawAlertmanager {
    url: Option<Spanned<String>>,
    url_env: Option<Spanned<String>>,
    authorization_env: Option<Spanned<String>>,
    #[serde(default)]
    labels: BTreeMap<Spanned<String>, String>,
});
raw_receiver!(RawEmail {
    server: Spanned<String>,
    port: Option<u16>,
    tls: Option<Spanned<String>>,
    user: Option<Spanned<String>>,
    password_env: Option<Spanned<String>>,
    from: Spanned<String>,
    to: Spanned<Vec<String>>,
});
raw_receiver!(RawCommand { run: Spanned<Vec<String>> });

impl Source<'_> {
    pub(super) fn notify(&self, raw: &RawNotify) -> Answer<FileNotify> {
        let zero = message!("settings-notify-remind-zero");
        let mut receivers = Vec::new();
        for one in &raw.slack {
            let url = FileUrl::Named(self.variable(&one.url_env)?);
            receivers.push(self.receiver(&one.common(), FileChannel::Slack { url })?);
        }
        for one in &raw.webhook {
            let url = self.address(&one.name, one.url.as_ref(), one.url_env.as_ref())?;
            let keys = one.secrets_env.iter().map(|name| self.variable(name)).collect::<Answer<_>>()?;
            receivers.push(self.receiver(&one.common(), FileChannel::Webhook { url, keys })?);
        }
        for one in &raw.pagerduty {
            let url = match &one.url {
                Some(_) => self.address(&one.name, one.url.as_ref(), None)?,
                None => FileUrl::Given(PAGERDUTY_ADDRESS.to_owned()),
            };
            let routing_key = self.variable(&one.routing_key_env)?;
            receivers.push(self.receiver(&one.common(), FileChannel::PagerDuty { url, routing_key })?);
        }
        for one in &raw.alertmanager {
            let url = self.address(&one.name, one.url.as_ref(), one.url_env.as_ref())?;
            let authorization = one.authorization_env.as_ref().map(|name| self.variable(name)).transpose()?;
            let mut labels = BTreeMap::new();
            for (name, value) in &one.labels {
                if !is_label(name.get_ref()) {
                    return Err(self.refused(name, message!("settings-notify-label", name = name.get_ref())));
                }
                labels.insert(name.get_ref().clone(), value.clone());
            }
            receivers.push(self.receiver(&one.common(), FileChannel::Alertmanager { url, authorization, labels })?);
        }
        for one in &raw.email {
            receivers.push(self.receiver(&one.common(), self.email(one)?)?);
        }
        for one in &raw.command {
            if one.run.get_ref().is_empty() {
                return Err(self.refused(&one.run, message!("settings-notify-run")));
            }
            let channel = FileChannel::Command { run: one.run.get_ref().clone() };
            receivers.push(self.receiver(&one.common(), channel)?);
        }
        self.names_are_used_once(raw)?;
        Ok(FileNotify { remind_every: self.not_zero(raw.remind_every.clone(), zero)?, receivers })
    }

    fn receiver(&self, raw: &Common<'_>, channel: FileChannel) -> Answer<FileReceiver> {
        let name = raw.name.get_ref();
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || !name.chars().all(is_plain) {
            return Err(self.refused(raw.name, message!("settings-notify-name")));
        }
        let severity_min = match raw.severity {
            None => Severity::Info,
            Some(text) => Severity::from_name(text.get_ref())
                .ok_or_else(|| self.refused(text, message!("settings-notify-severity", value = text.get_ref())))?,
        };
        let kinds =
            raw.kinds.map(|kinds| kinds.iter().map(|kind| self.kind(kind)).collect::<Answer<_>>()).transpose()?;
        let lang = match raw.lang {
            Some(lang) if !["en", "ko"].contains(&lang.get_ref().as_str()) => {
                return Err(self.refused(lang, message!("settings-notify-lang", value = lang.get_ref())));
            }
            lang => lang.map(|lang| lang.get_ref().clone()),
        };
        let limit = match raw.timeout {
            None => Receiver::LIMIT,
            Some(text) => self
                .duration(Some(text.clone()))?
                .filter(|limit| !limit.is_zero() && *limit <= Receiver::LIMIT_MAX)
                .ok_or_else(|| {
                    self.refused(text, message!("settings-notify-timeout", max_s = Receiver::LIMIT_MAX.as_secs()))
                })?,
        };
        let route = Route { name: name.clone(), severity_min, kinds };
        Ok(FileReceiver { route, lang, limit, root_cert: raw.root_cert.cloned(), channel })
    }

    fn kind(&self, text: &Spanned<String>) -> Answer<AlertKind> {
        let is_routed = |kind: &AlertKind| kind.effect() != AlertEffect::Tells && kind.stands_alone();
        AlertKind::from_name(text.get_ref()).filter(is_routed).ok_or_else(|| {
            let known: Vec<_> = AlertKind::ALL.into_iter().filter(is_routed).map(AlertKind::as_str).collect();
            let refusal = message!("settings-notify-kind", value = text.get_ref(), known = known.join(", "));
            self.refused(text, refusal)
        })
    }

    fn email(&self, raw: &RawEmail) -> Answer<FileChannel> {
        let tls = match &raw.tls {
            None => SmtpTls::StartTls,
            Some(text) => SmtpTls::from_name(text.get_ref())
                .ok_or_else(|| self.refused(text, message!("settings-notify-tls", value = text.get_ref())))?,
        };
        let mut email = Email::new(raw.server.get_ref(), raw.from.get_ref(), raw.to.get_ref())
            .ok_or_else(|| self.refused(&raw.to, message!("settings-notify-mail-address")))?;
        email.tls = tls;
        email.port = raw.port.unwrap_or_else(|| tls.port());
        let credentials = match (&raw.user, &raw.password_env) {
            (None, None) => None,
            (Some(user), Some(_)) if tls == SmtpTls::Off => {
                return Err(self.refused(user, message!("settings-notify-mail-open")));
            }
            (Some(user), Some(password)) => Some((user.get_ref().clone(), self.variable(password)?)),
            (Some(half), None) | (None, Some(half)) => {
                return Err(self.refused(half, message!("settings-notify-mail-halves")));
            }
        };
        Ok(FileChannel::Email { email, credentials })
    }

    /// The address, or the variable that holds it: one of both.
    fn address(
        &self,
        name: &Spanned<String>,
        given: Option<&Spanned<String>>,
        named: Option<&Spanned<String>>,
    ) -> Answer<FileUrl> {
        match (given, named) {
            (Some(url), None) => match Endpoint::new(Secret::new(url.get_ref().clone()), RootCert::System) {
                Ok(_) => Ok(FileUrl::Given(url.get_ref().clone())),
                Err(fault) => Err(self
                    .refused(url, message!("settings-health-url", reason = super::health_section::url_fault(fault)))),
            },
            (None, Some(variable)) => Ok(FileUrl::Named(self.variable(variable)?)),
            (None, None) | (Some(_), Some(_)) => Err(self.refused(name, message!("settings-notify-url"))),
        }
    }

    /// The name of a variable. What is none may be the secret itself, and is not shown.
    fn variable(&self, text: &Spanned<String>) -> Answer<String> {
        let name = text.get_ref();
        let fits = |(at, c): (usize, char)| c == '_' || c.is_ascii_uppercase() || (at > 0 && c.is_ascii_digit());
        if name.is_empty() || !name.chars().enumerate().all(fits) {
            let mut problem = Problem::usage(message!("settings-notify-variable")).at(self.place(text.span()));
            if let Some(place) = &mut problem.place {
                place.snippet = None;
            }
            return Err(problem);
        }
        Ok(name.clone())
    }

    fn names_are_used_once(&self, raw: &RawNotify) -> Answer<()> {
        let names = raw.slack.iter().map(|it| &it.name).chain(raw.webhook.iter().map(|it| &it.name));
        let names = names.chain(raw.pagerduty.iter().map(|it| &it.name));
        let names = names.chain(raw.alertmanager.iter().map(|it| &it.name));
        let names = names.chain(raw.email.iter().map(|it| &it.name)).chain(raw.command.iter().map(|it| &it.name));
        let mut seen = BTreeSet::new();
        for name in names {
            if !seen.insert(name.get_ref()) {
                return Err(self.refused(name, message!("settings-notify-name-twice", name = name.get_ref())));
            }
        }
        Ok(())
    }

    fn refused<T>(&self, at: &Spanned<T>, what: Message) -> Box<Problem> {
        Problem::usage(what).at(self.place(at.span()))
    }
}

/// As Prometheus names labels; those that Lockkeeper sets are its own.
fn is_label(name: &str) -> bool {
    let fits = |(at, c): (usize, char)| c == '_' || c.is_ascii_alphabetic() || (at > 0 && c.is_ascii_digit());
    let is_ours = ["alertname", "severity", "environment", "database", "about"].contains(&name);
    !name.is_empty() && !name.starts_with("__") && !is_ours && name.chars().enumerate().all(fits)
}

impl FileNotify {
    /// The variables that hold what the file must not.
    pub fn variables(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        for receiver in &self.receivers {
            match &receiver.channel {
                FileChannel::Slack { url } => names.extend(url.name()),
                FileChannel::Webhook { url, keys } => {
                    names.extend(url.name());
                    names.extend(keys.iter().map(String::as_str));
                }
                FileChannel::PagerDuty { url, routing_key } => {
                    names.extend(url.name());
                    names.insert(routing_key);
                }
                FileChannel::Alertmanager { url, authorization, .. } => {
                    names.extend(url.name());
                    names.extend(authorization.as_deref());
                }
                FileChannel::Email { credentials, .. } => {
                    names.extend(credentials.iter().map(|(_, name)| name.as_str()));
                }
                FileChannel::Command { .. } => {}
            }
        }
        names
    }
}

impl FileUrl {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Given(_) => None,
        }
    }
}

/// The file's words with the environment's secrets.
pub fn resolve(sources: &Sources) -> Notify {
    let file = &sources.file.notify;
    let remind_every = file.remind_every.unwrap_or(Routes::REMIND_EVERY);
    let remind =
        Reminders { every: remind_every, approval_every: sources.file.approval_remind_every.unwrap_or(remind_every) };
    let resolved = Resolved { sources, remind_every };
    let receiver = |receiver: &FileReceiver| Receiver {
        route: receiver.route.clone(),
        lang: receiver.lang.clone(),
        limit: receiver.limit,
        channel: resolved.channel(receiver),
    };
    Notify { receivers: file.receivers.iter().map(receiver).collect(), remind }
}

struct Resolved<'s> {
    sources: &'s Sources,
    remind_every: Duration,
}

impl Resolved<'_> {
    /// The channel, or what is missing here.
    fn channel(&self, receiver: &FileReceiver) -> Result<Channel, Message> {
        let roots = match &receiver.root_cert {
            Some(path) => RootCert::File(beside_config(self.sources, path)),
            None => RootCert::System,
        };
        Ok(match &receiver.channel {
            FileChannel::Slack { url } => Channel::Slack(self.endpoint(url, roots)?),
            FileChannel::Webhook { url, keys } => {
                let key = |name: &String| {
                    SigningKey::parse(&self.secret(name)?)
                        .ok_or_else(|| message!("settings-notify-key-unreadable", name = name.as_str()))
                };
                let keys = keys.iter().map(key).collect::<Result<_, _>>()?;
                Channel::Webhook { endpoint: self.endpoint(url, roots)?, keys }
            }
            FileChannel::PagerDuty { url, routing_key } => {
                Channel::PagerDuty { endpoint: self.endpoint(url, roots)?, routing_key: self.secret(routing_key)? }
            }
            FileChannel::Alertmanager { url, authorization, labels } => {
                let mut endpoint = self.endpoint(url, roots)?.below(ALERTMANAGER_PATH).map_err(|_| unreadable(url))?;
                if let Some(name) = authorization {
                    let header = Header::new("authorization", self.secret(name)?)
                        .ok_or_else(|| message!("settings-notify-header-unreadable", name = name.as_str()))?;
                    endpoint = endpoint.with(header);
                }
                // Should every watcher be gone, it stands until the reminder after the next would be due.
                Channel::Alertmanager { endpoint, labels: labels.clone(), stands: self.remind_every * 2 }
            }
            FileChannel::Email { email, credentials } => {
                let mut email = email.clone();
                if let Some((user, name)) = credentials {
                    email.credentials = Some((user.clone(), self.secret(name)?));
                }
                email.roots = roots;
                Channel::Email(Box::new(email))
            }
            FileChannel::Command { run } => {
                let Some((program, arguments)) = run.split_first() else { unreachable!("refused when it was read") };
                let hidden = self.sources.file.notify.variables().into_iter();
                Channel::Command(CommandReceiver {
                    program: program.into(),
                    arguments: arguments.iter().map(Into::into).collect(),
                    hidden: hidden.filter_map(|name| self.secret(name).ok()).collect(),
                })
            }
        })
    }

    fn endpoint(&self, url: &FileUrl, roots: RootCert) -> Result<Endpoint, Message> {
        let text = match url {
            FileUrl::Given(text) => Secret::new(text.clone()),
            FileUrl::Named(name) => self.secret(name)?,
        };
        Endpoint::new(text, roots).map_err(|_: UrlFault| unreadable(url))
    }

    fn secret(&self, name: &str) -> Result<Secret, Message> {
        let value = self.sources.named(name).map(str::trim).filter(|value| !value.is_empty());
        value.map(Secret::new).ok_or_else(|| message!("settings-notify-unset", name = name))
    }
}

fn unreadable(url: &FileUrl) -> Message {
    message!("settings-notify-url-unreadable", name = url.name().unwrap_or("url"))
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn sources(toml: &str, env: &[(&str, &str)]) -> Sources {
        Sources {
            file: file::parse("lockkeeper.toml", toml).unwrap(),
            env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..Sources::default()
        }
    }

    const FULL: &str = r#"
[notify]
remind_every = "2h"
[[notify.slack]]
name = "chat"
url_env = "SLACK_URL"
severity = "warning"
lang = "ko"
[[notify.webhook]]
name = "hook"
url = "https://hook.example/in"
secrets_env = ["HOOK_KEY", "HOOK_KEY_OLD"]
timeout = "20s"
[[notify.pagerduty]]
name = "pager"
routing_key_env = "PAGER_KEY"
severity = "critical"
kinds = ["breach", "rollback_failed"]
[[notify.alertmanager]]
name = "prometheus"
url = "http://alertmanager:9093/"
authorization_env = "AM_AUTHORIZATION"
labels = { team = "shop" }
[[notify.email]]
name = "mail"
server = "smtp.example.com"
user = "lockkeeper"
password_env = "SMTP_PASSWORD"
from = "Lockkeeper <lockkeeper@example.com>"
to = ["dba@example.com"]
[[notify.command]]
name = "script"
run = ["./alert.sh", "now"]
"#;

    #[test]
    fn every_receiver_is_read_and_secrets_come_from_the_environment() {
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let env = [
            ("SLACK_URL", "https://hooks.example/T0/hunter2"),
            ("HOOK_KEY", key),
            ("HOOK_KEY_OLD", key),
            ("PAGER_KEY", "hunter2"),
            ("AM_AUTHORIZATION", "Bearer hunter2"),
            ("SMTP_PASSWORD", "hunter2"),
        ];
        let notify = resolve(&sources(FULL, &env));
        let kinds: Vec<_> = notify.receivers.iter().map(|it| it.channel.as_ref().unwrap().kind()).collect();
        assert_eq!(kinds, ["slack", "webhook", "pagerduty", "alertmanager", "email", "command"]);
        assert_eq!(notify.remind.every, Duration::from_hours(2));
        assert!(!format!("{notify:?}").contains("hunter2"));
        assert_eq!(notify.receivers[1].limit, Duration::from_secs(20));
        assert_eq!(notify.receivers[2].route.severity_min, Severity::Critical);
    }

    #[test]
    fn what_is_not_set_here_is_named_and_keeps_nobody_from_working() {
        let notify =
            resolve(&sources(FULL, &[("HOOK_KEY", "nonsense"), ("HOOK_KEY_OLD", ""), ("SLACK_URL", "nonsense")]));
        let missing: Vec<_> = notify
            .receivers
            .iter()
            .map(|it| it.channel.as_ref().err().map_or_else(|| "usable".to_owned(), ToString::to_string))
            .collect();
        let expected = [
            "settings-notify-url-unreadable name=\"SLACK_URL\"",
            "settings-notify-key-unreadable name=\"HOOK_KEY\"",
            "settings-notify-unset name=\"PAGER_KEY\"",
            "settings-notify-unset name=\"AM_AUTHORIZATION\"",
            "settings-notify-unset name=\"SMTP_PASSWORD\"",
            "usable",
        ];
        assert_eq!(missing, expected);
    }

    #[test]
    fn what_is_wrong_is_refused_with_its_place() {
        let refused = |text: &str| {
            let problem = file::parse("lockkeeper.toml", text).unwrap_err();
            let at = problem.place.as_ref().and_then(|place| place.at).expect("a place");
            assert!(!format!("{problem:?}").contains("hunter2"), "{problem:?}");
            (problem.message.id, at.line)
        };
        let slack = |rest: &str| format!("[[notify.slack]]\nname = \"chat\"\nurl_env = \"SLACK_URL\"\n{rest}");
        assert_eq!(refused(&slack("chanel = 1")), ("settings-file-unknown-key", 4));
        assert_eq!(refused(&slack("severity = \"loud\"")), ("settings-notify-severity", 4));
        assert_eq!(refused(&slack("kinds = [\"breech\"]")), ("settings-notify-kind", 4));
        assert_eq!(refused(&slack("kinds = [\"recovered\"]")), ("settings-notify-kind", 4));
        assert_eq!(refused(&slack("lang = \"de\"")), ("settings-notify-lang", 4));
        assert_eq!(refused(&slack("timeout = \"1m\"")), ("settings-notify-timeout", 4));
        assert_eq!(refused(&slack("[notify]\nremind_every = \"0s\"")).0, "settings-notify-remind-zero");
        let twice = format!("{}[[notify.command]]\nname = \"chat\"\nrun = [\"true\"]", slack(""));
        assert_eq!(refused(&twice), ("settings-notify-name-twice", 5));
        let url = "[[notify.slack]]\nname = \"chat\"\nurl_env = \"https://hooks.example/hunter2\"";
        assert_eq!(refused(url), ("settings-notify-variable", 3));
        assert_eq!(refused("[[notify.webhook]]\nname = \"hook\""), ("settings-notify-url", 2));
        assert_eq!(refused("[[notify.command]]\nname = \"a b\"\nrun = [\"true\"]"), ("settings-notify-name", 2));
        assert_eq!(refused("[[notify.command]]\nname = \"a\"\nrun = []"), ("settings-notify-run", 3));
        let label = "[[notify.alertmanager]]\nname = \"am\"\nurl = \"http://am\"\nlabels = { severity = \"x\" }";
        assert_eq!(refused(label), ("settings-notify-label", 4));
        let mail = |rest: &str| {
            format!(
                "[[notify.email]]\nname = \"m\"\nserver = \"s\"\nfrom = \"a@b.example\"\nto = [\"c@d.example\"]\n{rest}"
            )
        };
        assert_eq!(refused(&mail("user = \"x\"")), ("settings-notify-mail-halves", 6));
        assert_eq!(refused(&mail("tls = \"ssl\"")), ("settings-notify-tls", 6));
        let open = "tls = \"off\"\nuser = \"x\"\npassword_env = \"P\"";
        assert_eq!(refused(&mail(open)), ("settings-notify-mail-open", 7), "no password in plain text");
        let nobody = "[[notify.email]]\nname = \"m\"\nserver = \"s\"\nfrom = \"a@b.example\"\nto = []";
        assert_eq!(refused(nobody), ("settings-notify-mail-address", 5));
    }
}
