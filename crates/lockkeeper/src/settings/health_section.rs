//! The section `[health]` of `lockkeeper.toml`: the rules of a watch, and what is measured.

mod body;
mod headers;
mod http;
mod raw;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use lockkeeper_core::health::{
    Check, CheckName, Detector, Floor, HardDown, LatencyRule, Measures, NoDataPolicy, Role, Rule, RuleName, Rules,
    Share, slices_in,
};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Message, Problem};
use lockkeeper_engine::postgres::RootCert;
use lockkeeper_engine::probe::{
    Bound, CountersPlace, DatabaseBounds, HostBounds, HostSubject, HttpExpectation, HttpRequest, JsonPointer,
    SchemaHead, Selector, WitnessPlace,
};
use lockkeeper_engine::process::CommandLine;
use toml::Spanned;

use super::file::Source;
pub use headers::SecretHeader;
pub(super) use http::url_fault;
use raw::RawCheck;
pub(super) use raw::RawHealth;

/// What a watch goes by, and what it measures.
#[derive(Debug, Clone)]
pub struct Health {
    pub rules: Rules,
    pub checks: Vec<HealthCheck>,
    /// Whom to ask whether our own network is well.
    pub witness: Option<WitnessPlace>,
    /// Where a watcher serves its own metrics.
    pub metrics: Option<SocketAddr>,
}

/// A check with its source.
#[derive(Debug, Clone)]
pub struct HealthCheck {
    pub check: Check,
    /// How often it is made during a watch.
    pub every: Duration,
    pub source: HealthSource,
    /// Headers of its request that are still to be filled in.
    secret: Vec<SecretHeader>,
    /// Why it cannot be made: a variable is not set.
    pub problem: Option<Box<Problem>>,
}

/// Where a check's measurements come from.
#[derive(Debug, Clone)]
pub enum HealthSource {
    Http {
        request: Box<HttpRequest>,
        expected: HttpExpectation,
    },
    /// The certificate that the server shows.
    Certificate {
        request: Box<HttpRequest>,
        bound: Bound,
    },
    Counters {
        request: Box<HttpRequest>,
        place: CountersPlace,
    },
    Promql {
        server: Box<HttpRequest>,
        query: String,
        bound: Bound,
    },
    /// The database that the migrations are for.
    Database {
        bounds: DatabaseBounds,
        /// Where the schema must not stand, against the migrations' folder. Empty when nobody asks.
        schema_fails: Vec<SchemaHead>,
        limit: Duration,
    },
    Host {
        subject: HostSubject,
        bounds: HostBounds,
    },
    Command {
        line: CommandLine,
        bound: Option<Bound>,
    },
}

impl Health {
    /// The variables that headers are filled from.
    pub(super) fn variables(&self) -> BTreeSet<&str> {
        self.checks.iter().flat_map(|check| &check.secret).map(SecretHeader::env).collect()
    }
}

impl HealthCheck {
    /// The check as a watch has it: what a rollback cannot mend only advises there, and a rollback renews no
    /// certificate.
    pub fn watched(&self) -> Check {
        let mut check = self.check.clone();
        if let (HealthSource::Certificate { .. }, Role::Judged) = (&self.source, &check.role) {
            check.role = Role::Advisory;
        }
        check
    }

    /// With its paths as they are meant from the configuration file.
    #[must_use]
    pub(super) fn beside(mut self, beside: impl Fn(&str) -> PathBuf) -> Self {
        let beside = |path: &mut PathBuf| {
            if let Some(text) = path.to_str() {
                *path = beside(text);
            }
        };
        match &mut self.source {
            HealthSource::Host { subject: HostSubject::PidFile(path), .. } => beside(path),
            source => {
                if let Some(HttpRequest { roots: RootCert::File(path), .. }) = source.request() {
                    beside(path);
                }
            }
        }
        self
    }

    /// With the headers that the environment holds. A problem is one only for who makes the check.
    pub(super) fn fill_in(&mut self, variable: impl Fn(&str) -> Option<String>) {
        for secret in &self.secret {
            match secret.with(variable(secret.env()).as_deref()) {
                Ok(header) => {
                    if let Some(request) = self.source.request() {
                        request.headers.push(header);
                    }
                }
                Err(problem) => self.problem = self.problem.take().or(Some(problem)),
            }
        }
    }
}

impl HealthSource {
    /// What is sent, where something is sent over HTTP.
    fn request(&mut self) -> Option<&mut HttpRequest> {
        match self {
            Self::Http { request, .. } | Self::Certificate { request, .. } | Self::Counters { request, .. } => {
                Some(request)
            }
            Self::Promql { server, .. } => Some(server),
            Self::Database { .. } | Self::Host { .. } | Self::Command { .. } => None,
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self { rules: Rules::usual(), checks: Vec::new(), witness: None, metrics: None }
    }
}

/// How often each kind of source is asked, unless it is said: probes often enough that a window of the floor holds
/// twice as many as it needs.
const EVERY_PROBE: Duration = Duration::from_millis(250);
const EVERY_COUNTERS: Duration = Duration::from_secs(5);
const EVERY_VALUE: Duration = Duration::from_secs(10);
/// Oftener is a load of its own.
const EVERY_MIN: Duration = Duration::from_millis(20);

const TIMEOUT: Duration = Duration::from_secs(5);

impl Source<'_> {
    pub(super) fn health(&self, raw: RawHealth) -> Answer<Health> {
        let rules = self.rules(&raw)?;
        let mut checks = Vec::new();
        for http in &raw.http {
            checks.extend(self.http(http)?);
        }
        for counters in &raw.counters {
            checks.push(self.counters(counters)?);
        }
        for promql in &raw.prometheus {
            checks.push(self.promql(promql)?);
        }
        if let Some(database) = &raw.database {
            checks.push(self.database(database)?);
        }
        if let Some(host) = &raw.host {
            checks.push(self.host(host)?);
        }
        for process in &raw.process {
            checks.push(self.process(process)?);
        }
        for command in &raw.command {
            checks.push(self.command(command)?);
        }
        self.names_are_known_once(&raw, &checks)?;
        let witness = raw.witness.map(|witness| self.witness(&witness)).transpose()?;
        let metrics = raw
            .metrics
            .map(|place| place.get_ref().parse().map_err(|_| self.refuse(&place, message!("settings-health-metrics"))));
        Ok(Health { rules, checks, witness, metrics: metrics.transpose()? })
    }

    fn rules(&self, raw: &RawHealth) -> Answer<Rules> {
        let usual = Rules::usual();
        let interval = self.time(raw.interval.as_ref())?.unwrap_or(usual.interval);
        let consecutive = match &raw.consecutive {
            Some(value) => NonZeroU32::new(*value.get_ref())
                .ok_or_else(|| self.refuse(value, message!("settings-health-consecutive")))?,
            None => Floor::default().consecutive,
        };
        let error_share = match &raw.error_rate {
            Some(value) => {
                share(value.get_ref()).ok_or_else(|| self.refuse(value, message!("settings-health-error-rate")))?
            }
            None => Floor::default().error_share,
        };
        let floor =
            Floor { error_share, consecutive, min_samples: raw.min_samples.unwrap_or(Floor::default().min_samples) };
        let latency = raw.latency.as_ref().map(|latency| {
            let fast_enough = self.time(latency.fast_enough.as_ref())?.unwrap_or_default();
            Ok::<_, Box<Problem>>(LatencyRule { percentile: latency.percentile, factor: latency.factor, fast_enough })
        });
        let latency = latency.transpose()?;
        let standing = self.standing(raw)?;
        let of = |name: RuleName| standing.get(&name).copied();
        let detector = Detector::new(
            Detector::ACCEPTABLE,
            Detector::UNACCEPTABLE,
            Detector::FALSE_ALARMS,
            slices_in(Duration::from_hours(1), usual.slice),
        );
        Ok(Rules {
            interval,
            warm_up: self.time(raw.warm_up.as_ref())?.unwrap_or(usual.warm_up),
            no_data_max: self.time(raw.no_data_max.as_ref())?.unwrap_or(interval * 10),
            duration_min: interval * consecutive.get(),
            floor: ruled(of(RuleName::Floor), Some(floor)),
            hard_down: ruled(of(RuleName::HardDown), Some(HardDown { consecutive, ..HardDown::default() })),
            detector: ruled(of(RuleName::Detector), detector.ok()),
            relative: ruled(of(RuleName::Relative), Some(())),
            latency: ruled(of(RuleName::Latency), latency),
            threshold: ruled(of(RuleName::Threshold), Some(consecutive)),
            ..usual
        })
    }

    /// Which rules bind and which advise. Without a word it is the usual ones.
    fn standing(&self, raw: &RawHealth) -> Answer<BTreeMap<RuleName, bool>> {
        let usual = [RuleName::Floor, RuleName::HardDown, RuleName::Detector, RuleName::Threshold];
        let mut standing: BTreeMap<RuleName, bool> = match &raw.rules {
            None => usual.into_iter().map(|rule| (rule, true)).collect(),
            Some(_) => BTreeMap::new(),
        };
        let listed = |names: &Option<Vec<Spanned<String>>>| names.clone().unwrap_or_default();
        for (names, binds) in [(listed(&raw.rules), true), (listed(&raw.advisory), false)] {
            for name in names {
                let rule = RuleName::from_settings(name.get_ref())
                    .ok_or_else(|| self.refuse(&name, message!("settings-health-rule", name = name.get_ref())))?;
                if rule == RuleName::Latency && raw.latency.is_none() {
                    return Err(self.refuse(&name, message!("settings-health-latency")));
                }
                standing.insert(rule, binds);
            }
        }
        Ok(standing)
    }

    fn check(
        &self,
        name: CheckName,
        measures: Measures,
        raw: &RawCheck<'_>,
        beside: Option<&Spanned<String>>,
        source: HealthSource,
    ) -> Answer<HealthCheck> {
        let role = match raw.role.map(|role| (role, role.get_ref().as_str())) {
            None | Some((_, "judged")) => Role::Judged,
            Some((_, "advisory")) => Role::Advisory,
            Some((_, "baseline")) => Role::Baseline,
            Some((role, other)) => return Err(self.refuse(role, message!("settings-health-role", value = other))),
        };
        let no_data = match raw.no_data {
            None => NoDataPolicy::default(),
            Some(text) => NoDataPolicy::ALL
                .into_iter()
                .find(|policy| policy.as_str() == text.get_ref())
                .ok_or_else(|| self.refuse(text, message!("settings-health-no-data", value = text.get_ref())))?,
        };
        let usual = match measures {
            Measures::Probes => EVERY_PROBE,
            Measures::Requests => EVERY_COUNTERS,
            Measures::Values => EVERY_VALUE,
        };
        let every = match raw.every {
            Some(text) => self
                .time(raw.every)?
                .filter(|every| *every >= EVERY_MIN)
                .ok_or_else(|| self.refuse(text, message!("settings-health-every")))?,
            None => usual,
        };
        let beside = beside.map(|name| self.name(name)).transpose()?;
        Ok(HealthCheck {
            check: Check { name, measures, role, no_data, beside },
            every,
            source,
            secret: Vec::new(),
            problem: None,
        })
    }

    /// Two checks of one name could not be told apart; a check beside one that is not there compares with nothing.
    fn names_are_known_once(&self, raw: &RawHealth, checks: &[HealthCheck]) -> Answer<()> {
        let spans = raw.http.iter().map(|it| &it.name).chain(raw.counters.iter().map(|it| &it.name));
        let spans = spans.chain(raw.prometheus.iter().map(|it| &it.name)).chain(raw.command.iter().map(|it| &it.name));
        let spans = spans.chain(raw.process.iter().map(|it| &it.name));
        for name in spans {
            let same = checks.iter().filter(|check| check.check.name.as_str() == name.get_ref()).count();
            if same > 1 {
                return Err(self.refuse(name, message!("settings-health-name-twice", name = name.get_ref())));
            }
        }
        let besides = raw.http.iter().map(|it| &it.beside).chain(raw.counters.iter().map(|it| &it.beside));
        for beside in besides.flatten() {
            if !checks.iter().any(|check| check.check.name.as_str() == beside.get_ref()) {
                return Err(self.refuse(beside, message!("settings-health-beside", name = beside.get_ref())));
            }
        }
        Ok(())
    }

    fn name(&self, text: &Spanned<String>) -> Answer<CheckName> {
        CheckName::new(text.get_ref()).ok_or_else(|| self.refuse(text, message!("settings-health-name")))
    }

    fn bound(&self, text: &Spanned<String>) -> Answer<Bound> {
        Bound::parse(text.get_ref()).ok_or_else(|| self.refuse(text, message!("settings-health-bound")))
    }

    fn selector(&self, text: &Spanned<String>) -> Answer<Selector> {
        Selector::parse(text.get_ref()).ok_or_else(|| self.refuse(text, message!("settings-health-selector")))
    }

    fn pointer(&self, text: &Spanned<String>) -> Answer<JsonPointer> {
        JsonPointer::parse(text.get_ref()).ok_or_else(|| self.refuse(text, message!("settings-health-pointer")))
    }

    fn time(&self, text: Option<&Spanned<String>>) -> Answer<Option<Duration>> {
        self.duration(text.cloned())
    }

    fn refuse<T>(&self, at: &Spanned<T>, what: Message) -> Box<Problem> {
        Problem::usage(what).at(self.place(at.span()))
    }
}

const fn ruled<T: Copy>(binds: Option<bool>, numbers: Option<T>) -> Rule<T> {
    match (binds, numbers) {
        (Some(true), Some(numbers)) => Rule::Binding(numbers),
        (Some(false), Some(numbers)) => Rule::Advisory(numbers),
        (None, _) | (_, None) => Rule::Off,
    }
}

/// `5%` or `0.5 %`: above nothing, at most all of it.
fn share(text: &str) -> Option<Share> {
    let number = text.trim().strip_suffix('%')?.trim_end();
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if part.len() > 4 || whole.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let part: u32 = format!("{part:0<4}").parse().ok()?;
    let parts = whole.parse::<u32>().ok()?.checked_mul(10_000)?.checked_add(part)?;
    Share::from_parts_per_million(parts).filter(|share| share.parts_per_million() > 0)
}
