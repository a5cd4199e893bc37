//! What has values with bounds: the database, the host, other processes, commands.

use lockkeeper_core::health::{CheckName, Measures};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Message, Problem};
use lockkeeper_engine::probe::{Bound, DatabaseBounds, HostBounds, HostSubject, SchemaHead};
use lockkeeper_engine::process::CommandLine;
use toml::Spanned;

use super::super::file::{Source, likely};
use super::raw::{RawCommand, RawDatabase, RawHost, RawProcess, Texts};
use super::{HealthCheck, HealthSource, TIMEOUT};

/// The place of a value's bound, by its name.
type Bounds<B> = [(&'static str, fn(&mut B) -> &mut Option<Bound>)];

const OF_DATABASE: &Bounds<DatabaseBounds> = &[
    ("connect_ms", |bounds| &mut bounds.connect_ms),
    ("select_ms", |bounds| &mut bounds.select_ms),
    ("in_recovery", |bounds| &mut bounds.in_recovery),
    ("connections_used", |bounds| &mut bounds.connections_used),
    ("connections_idle", |bounds| &mut bounds.connections_idle),
    ("connections_share", |bounds| &mut bounds.connections_share),
    ("longest_transaction_s", |bounds| &mut bounds.longest_transaction_s),
    ("idle_in_transaction", |bounds| &mut bounds.idle_in_transaction),
    ("idle_in_transaction_s", |bounds| &mut bounds.idle_in_transaction_s),
    ("lock_waiters", |bounds| &mut bounds.lock_waiters),
    ("replication_lag_bytes", |bounds| &mut bounds.replication_lag_bytes),
    ("replication_lag_s", |bounds| &mut bounds.replication_lag_s),
    ("deadlocks", |bounds| &mut bounds.deadlocks),
];

const OF_HOST: &Bounds<HostBounds> = &[
    ("cpu_share", |bounds| &mut bounds.cpu_share),
    ("cpu_throttled_share", |bounds| &mut bounds.cpu_throttled_share),
    ("cpu_pressure_share", |bounds| &mut bounds.cpu_pressure_share),
    ("memory_share", |bounds| &mut bounds.memory_share),
    ("memory_pressure_share", |bounds| &mut bounds.memory_pressure_share),
];

/// What a process has besides.
const OF_PROCESS: &Bounds<HostBounds> =
    &[("cpu_cores", |bounds| &mut bounds.cpu_cores), ("memory_bytes", |bounds| &mut bounds.memory_bytes)];

impl Source<'_> {
    pub(super) fn database(&self, raw: &RawDatabase) -> Answer<HealthCheck> {
        let mut bounds = DatabaseBounds::default();
        self.bounds(&raw.fails, &mut bounds, &[OF_DATABASE])?;
        let schema_fails = raw.schema_fails.as_ref().map(|heads| self.heads(heads)).transpose()?;
        let limit = self.limit(raw.timeout.as_ref())?.unwrap_or(TIMEOUT);
        let source = HealthSource::Database { bounds, schema_fails: schema_fails.unwrap_or_default(), limit };
        self.check(constant("database"), Measures::Values, &raw.check(), None, source)
    }

    /// States of the schema that fail.
    fn heads(&self, words: &[Spanned<String>]) -> Answer<Vec<SchemaHead>> {
        let read = |word: &Spanned<String>| {
            let head = SchemaHead::ALL.into_iter().find(|head| head.as_str() == word.get_ref());
            // At head is where it should be.
            head.filter(|head| *head != SchemaHead::AtHead)
                .ok_or_else(|| self.refuse(word, message!("settings-health-schema", value = word.get_ref())))
        };
        words.iter().map(read).collect()
    }

    pub(super) fn host(&self, raw: &RawHost) -> Answer<HealthCheck> {
        let mut bounds = HostBounds::default();
        self.bounds(&raw.fails, &mut bounds, &[OF_HOST])?;
        let source = HealthSource::Host { subject: HostSubject::Host, bounds };
        self.check(constant("host"), Measures::Values, &raw.check(), None, source)
    }

    pub(super) fn process(&self, raw: &RawProcess) -> Answer<HealthCheck> {
        let one_of_three = || self.refuse(&raw.name, message!("settings-health-process"));
        let subject = match (&raw.pid, &raw.pid_file, &raw.port) {
            (Some(pid), None, None) if *pid.get_ref() > 0 => HostSubject::Process(*pid.get_ref()),
            (Some(pid), None, None) => return Err(self.refuse(pid, message!("settings-health-pid"))),
            (None, Some(path), None) => HostSubject::PidFile(path.get_ref().into()),
            (None, None, Some(port)) if *port.get_ref() > 0 => HostSubject::Listener(*port.get_ref()),
            (None, None, Some(port)) => return Err(self.refuse(port, message!("settings-health-port"))),
            _ => return Err(one_of_three()),
        };
        let mut bounds = HostBounds::default();
        self.bounds(&raw.fails, &mut bounds, &[OF_HOST, OF_PROCESS])?;
        let source = HealthSource::Host { subject, bounds };
        self.check(self.name(&raw.name)?, Measures::Values, &raw.check(), None, source)
    }

    pub(super) fn command(&self, raw: &RawCommand) -> Answer<HealthCheck> {
        let Some((program, arguments)) = raw.run.get_ref().split_first() else {
            return Err(self.refuse(&raw.run, message!("settings-health-run")));
        };
        let line = CommandLine {
            program: program.into(),
            arguments: arguments.iter().map(Into::into).collect(),
            environment: Vec::new(),
            time_limit: self.limit(raw.timeout.as_ref())?.unwrap_or(TIMEOUT),
        };
        let bound = raw.fails.as_ref().map(|fails| self.bound(fails)).transpose()?;
        let source = HealthSource::Command { line, bound };
        self.check(self.name(&raw.name)?, Measures::Values, &raw.check(), None, source)
    }

    fn bounds<B>(&self, raw: &Texts, bounds: &mut B, known: &[&Bounds<B>]) -> Answer<()> {
        for (name, text) in raw {
            let mut places = known.iter().flat_map(|some| some.iter());
            let Some((_, place)) = places.find(|(one, _)| one == name.get_ref()) else {
                let names = known.iter().flat_map(|some| some.iter()).map(|(one, _)| *one);
                return Err(self.no_such_value(name, &names.collect::<Vec<_>>()));
            };
            *place(bounds) = Some(self.bound(text)?);
        }
        Ok(())
    }

    fn no_such_value(&self, name: &Spanned<String>, known: &[&str]) -> Box<Problem> {
        let problem = self.refuse(name, message!("settings-health-value", name = name.get_ref()));
        let hint: Message = match likely(name.get_ref(), known.iter().copied()) {
            Some(likely) => message!("settings-hint-did-you-mean", name = likely),
            None => message!("settings-health-values", names = known.join(", ")),
        };
        problem.hint(hint)
    }
}

/// The name of what there is only one of.
fn constant(name: &'static str) -> CheckName {
    CheckName::new(name).unwrap_or_else(|| unreachable!("the name is a constant"))
}
