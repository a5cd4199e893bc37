//! The section `[health]` of `lockkeeper.toml`: the rules of a watch, and what is measured.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use lockkeeper_core::health::{
    Check, CheckName, Detector, Floor, HardDown, LatencyRule, Measures, NoDataPolicy, Role, Rule, RuleName, Rules,
    Share, slices_in,
};
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Message, Problem};
use lockkeeper_engine::postgres::Secret;
use lockkeeper_engine::probe::{
    BodyCondition, Bound, CommandLine, CountersPlace, DatabaseBounds, ExpectedStatus, Header, HttpExpectation,
    HttpLimits, HttpRequest, JsonPointer, Selector, Url, UrlFault, WitnessPlace,
};
use serde::Deserialize;
use toml::Spanned;

use super::file::Source;

/// What a watch goes by, and what it measures.
#[derive(Debug, Clone)]
pub struct Health {
    pub rules: Rules,
    pub checks: Vec<HealthCheck>,
    /// Whom to ask whether our own network is well.
    pub witness: Option<WitnessPlace>,
}

/// A check with its source.
#[derive(Debug, Clone)]
pub struct HealthCheck {
    pub check: Check,
    /// How often it is made during a watch.
    pub every: Duration,
    pub source: HealthSource,
}

/// Where a check's measurements come from.
#[derive(Debug, Clone)]
pub enum HealthSource {
    Http {
        request: Box<HttpRequest>,
        expected: HttpExpectation,
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
        limit: Duration,
    },
    Command {
        line: CommandLine,
        bound: Option<Bound>,
    },
}

impl Default for Health {
    fn default() -> Self {
        Self { rules: Rules::usual(), checks: Vec::new(), witness: None }
    }
}

/// How often each kind of source is asked, unless it is said: probes often enough that a window of the floor holds
/// twice as many as it needs.
const EVERY_PROBE: Duration = Duration::from_millis(250);
const EVERY_COUNTERS: Duration = Duration::from_secs(5);
const EVERY_VALUE: Duration = Duration::from_secs(10);
/// Oftener is a load of its own.
const EVERY_MIN: Duration = Duration::from_millis(20);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHealth {
    interval: Option<Spanned<String>>,
    error_rate: Option<Spanned<String>>,
    consecutive: Option<Spanned<u32>>,
    min_samples: Option<u64>,
    warm_up: Option<Spanned<String>>,
    no_data_max: Option<Spanned<String>>,
    rules: Option<Vec<Spanned<String>>>,
    advisory: Option<Vec<Spanned<String>>>,
    latency: Option<RawLatency>,
    witness: Option<Spanned<String>>,
    #[serde(default)]
    http: Vec<RawHttp>,
    #[serde(default)]
    counters: Vec<RawCounters>,
    #[serde(default)]
    prometheus: Vec<RawPromql>,
    database: Option<RawDatabase>,
    #[serde(default)]
    command: Vec<RawCommand>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLatency {
    percentile: f64,
    factor: f64,
    fast_enough: Option<Spanned<String>>,
}

/// What every check has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHttp {
    name: Spanned<String>,
    url: Spanned<String>,
    every: Option<Spanned<String>>,
    timeout: Option<Spanned<String>>,
    role: Option<Spanned<String>>,
    no_data: Option<Spanned<String>>,
    beside: Option<Spanned<String>>,
    status: Option<Spanned<String>>,
    slower_than: Option<Spanned<String>>,
    #[serde(default)]
    contains: Vec<String>,
    #[serde(default)]
    lacks: Vec<String>,
    #[serde(default)]
    json: BTreeMap<Spanned<String>, toml::Value>,
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCounters {
    name: Spanned<String>,
    url: Spanned<String>,
    every: Option<Spanned<String>>,
    timeout: Option<Spanned<String>>,
    role: Option<Spanned<String>>,
    no_data: Option<Spanned<String>>,
    beside: Option<Spanned<String>>,
    requests: Spanned<String>,
    errors: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPromql {
    name: Spanned<String>,
    server: Spanned<String>,
    query: String,
    fails: Spanned<String>,
    every: Option<Spanned<String>>,
    timeout: Option<Spanned<String>>,
    role: Option<Spanned<String>>,
    no_data: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDatabase {
    every: Option<Spanned<String>>,
    timeout: Option<Spanned<String>>,
    role: Option<Spanned<String>>,
    no_data: Option<Spanned<String>>,
    #[serde(default)]
    fails: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCommand {
    name: Spanned<String>,
    run: Spanned<Vec<String>>,
    fails: Option<Spanned<String>>,
    every: Option<Spanned<String>>,
    timeout: Option<Spanned<String>>,
    role: Option<Spanned<String>>,
    no_data: Option<Spanned<String>>,
}

/// What a check says of itself, whatever its source is.
struct RawCheck<'r> {
    role: Option<&'r Spanned<String>>,
    no_data: Option<&'r Spanned<String>>,
    every: Option<&'r Spanned<String>>,
}

const TIMEOUT: Duration = Duration::from_secs(5);

impl Source<'_> {
    pub(super) fn health(&self, raw: RawHealth) -> Answer<Health> {
        let rules = self.rules(&raw)?;
        let mut checks = Vec::new();
        for http in &raw.http {
            checks.push(self.http(http)?);
        }
        for counters in &raw.counters {
            checks.push(self.counters(counters)?);
        }
        for promql in &raw.prometheus {
            let request = self.request(&promql.server, promql.timeout.as_ref())?;
            let source = HealthSource::Promql {
                server: Box::new(request),
                query: promql.query.clone(),
                bound: self.bound(&promql.fails)?,
            };
            let raw =
                RawCheck { role: promql.role.as_ref(), no_data: promql.no_data.as_ref(), every: promql.every.as_ref() };
            checks.push(self.check(self.name(&promql.name)?, Measures::Values, &raw, None, source)?);
        }
        if let Some(database) = &raw.database {
            checks.push(self.database(database)?);
        }
        for command in &raw.command {
            checks.push(self.command(command)?);
        }
        self.names_are_known_once(&raw, &checks)?;
        let witness = raw.witness.map(|witness| self.witness(&witness)).transpose()?;
        Ok(Health { rules, checks, witness })
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

    fn http(&self, raw: &RawHttp) -> Answer<HealthCheck> {
        let mut request = self.request(&raw.url, raw.timeout.as_ref())?;
        for (name, value) in &raw.headers {
            let header = Header::new(name.get_ref(), Secret::new(value.clone()))
                .ok_or_else(|| self.refuse(name, message!("settings-health-header")))?;
            request.headers.push(header);
        }
        let status = match &raw.status {
            Some(text) => ExpectedStatus::parse(text.get_ref())
                .ok_or_else(|| self.refuse(text, message!("settings-health-status")))?,
            None => ExpectedStatus::default(),
        };
        let mut body: Vec<BodyCondition> = raw.contains.iter().cloned().map(BodyCondition::Contains).collect();
        body.extend(raw.lacks.iter().cloned().map(BodyCondition::Lacks));
        for (at, value) in &raw.json {
            let pointer = self.pointer(at)?;
            let value = serde_json::to_value(value).unwrap_or(serde_json::Value::Null);
            body.push(BodyCondition::JsonIs { at: pointer, value });
        }
        let expected =
            HttpExpectation { status, body, took_max: self.time(raw.slower_than.as_ref())?, certificate: None };
        let source = HealthSource::Http { request: Box::new(request), expected };
        let check = RawCheck { role: raw.role.as_ref(), no_data: raw.no_data.as_ref(), every: raw.every.as_ref() };
        self.check(self.name(&raw.name)?, Measures::Probes, &check, raw.beside.as_ref(), source)
    }

    fn counters(&self, raw: &RawCounters) -> Answer<HealthCheck> {
        let request = self.request(&raw.url, raw.timeout.as_ref())?;
        let place = if raw.requests.get_ref().starts_with('/') {
            CountersPlace::Json { requests: self.pointer(&raw.requests)?, errors: self.pointer(&raw.errors)? }
        } else {
            CountersPlace::Exposition { requests: self.selector(&raw.requests)?, errors: self.selector(&raw.errors)? }
        };
        let source = HealthSource::Counters { request: Box::new(request), place };
        let check = RawCheck { role: raw.role.as_ref(), no_data: raw.no_data.as_ref(), every: raw.every.as_ref() };
        self.check(self.name(&raw.name)?, Measures::Requests, &check, raw.beside.as_ref(), source)
    }

    fn database(&self, raw: &RawDatabase) -> Answer<HealthCheck> {
        let mut bounds = DatabaseBounds::default();
        for (name, text) in &raw.fails {
            let bound = Some(self.bound(text)?);
            let place = match name.get_ref().as_str() {
                "connect_ms" => &mut bounds.connect_ms,
                "select_ms" => &mut bounds.select_ms,
                "in_recovery" => &mut bounds.in_recovery,
                "connections_used" => &mut bounds.connections_used,
                "connections_share" => &mut bounds.connections_share,
                "longest_transaction_s" => &mut bounds.longest_transaction_s,
                "idle_in_transaction" => &mut bounds.idle_in_transaction,
                "idle_in_transaction_s" => &mut bounds.idle_in_transaction_s,
                "lock_waiters" => &mut bounds.lock_waiters,
                "replication_lag_bytes" => &mut bounds.replication_lag_bytes,
                "replication_lag_s" => &mut bounds.replication_lag_s,
                "deadlocks" => &mut bounds.deadlocks,
                other => return Err(self.refuse(name, message!("settings-health-value", name = other))),
            };
            *place = bound;
        }
        let limit = self.time(raw.timeout.as_ref())?.unwrap_or(TIMEOUT);
        let check = RawCheck { role: raw.role.as_ref(), no_data: raw.no_data.as_ref(), every: raw.every.as_ref() };
        let source = HealthSource::Database { bounds, limit };
        let Some(name) = CheckName::new("database") else { unreachable!("the name is a constant") };
        self.check(name, Measures::Values, &check, None, source)
    }

    fn command(&self, raw: &RawCommand) -> Answer<HealthCheck> {
        let Some((program, arguments)) = raw.run.get_ref().split_first() else {
            return Err(self.refuse(&raw.run, message!("settings-health-run")));
        };
        let line = CommandLine {
            program: program.into(),
            arguments: arguments.iter().map(Into::into).collect(),
            environment: Vec::new(),
            time_limit: self.time(raw.timeout.as_ref())?.unwrap_or(TIMEOUT),
        };
        let bound = raw.fails.as_ref().map(|fails| self.bound(fails)).transpose()?;
        let check = RawCheck { role: raw.role.as_ref(), no_data: raw.no_data.as_ref(), every: raw.every.as_ref() };
        let source = HealthSource::Command { line, bound };
        self.check(self.name(&raw.name)?, Measures::Values, &check, None, source)
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
        Ok(HealthCheck { check: Check { name, measures, role, no_data, beside }, every, source })
    }

    /// Two checks of one name could not be told apart; a check beside one that is not there compares with nothing.
    fn names_are_known_once(&self, raw: &RawHealth, checks: &[HealthCheck]) -> Answer<()> {
        let spans = raw.http.iter().map(|it| &it.name).chain(raw.counters.iter().map(|it| &it.name));
        let spans = spans.chain(raw.prometheus.iter().map(|it| &it.name)).chain(raw.command.iter().map(|it| &it.name));
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

    fn witness(&self, text: &Spanned<String>) -> Answer<WitnessPlace> {
        if text.get_ref().contains("://") {
            return Ok(WitnessPlace::Http(Box::new(self.request(text, None)?)));
        }
        let refused = || self.refuse(text, message!("settings-health-witness"));
        let (host, port) = text.get_ref().rsplit_once(':').ok_or_else(refused)?;
        let port = port.parse().map_err(|_| refused())?;
        Ok(WitnessPlace::Tcp { host: host.trim_matches(['[', ']']).to_owned(), port, limit: HttpLimits::USUAL.connect })
    }

    fn request(&self, url: &Spanned<String>, timeout: Option<&Spanned<String>>) -> Answer<HttpRequest> {
        let read = Url::parse(url.get_ref())
            .map_err(|fault| self.refuse(url, message!("settings-health-url", reason = url_fault(fault))))?;
        let mut request = HttpRequest::get(read);
        if let Some(limit) = self.time(timeout)? {
            request.limits.total = limit;
            request.limits.connect = request.limits.connect.min(limit);
        }
        Ok(request)
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

pub(super) fn url_fault(fault: UrlFault) -> Message {
    match fault {
        UrlFault::Unreadable => message!("settings-health-url-unreadable"),
        UrlFault::Scheme => message!("settings-health-url-scheme"),
        UrlFault::Credentials => message!("settings-health-url-credentials"),
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
