//! What a watcher tells of itself and of what it measures, as metrics.

mod exposition;

use std::collections::BTreeMap;
use std::time::Duration;

use lockkeeper_core::health::{CheckName, Judgement, RuleName, Seen, Share};
use lockkeeper_core::model::Verdict;
use lockkeeper_core::release::ReleaseState;

pub use exposition::Format;
use exposition::{Family, Kind, Sample};

use crate::ledger::Vitals;
use crate::probe::{Reading, Taken};

/// The metrics of one watcher.
#[derive(Debug, Default)]
pub struct Metrics {
    environment: String,
    checks: BTreeMap<CheckName, OfCheck>,
    connections: Option<Connections>,
    vitals: Option<Vitals>,
}

#[derive(Debug, Default)]
struct OfCheck {
    results: BTreeMap<&'static str, u64>,
    phases: BTreeMap<&'static str, Seconds>,
    codes: BTreeMap<String, u64>,
    error_ratio: Option<f64>,
    streaks: BTreeMap<&'static str, u32>,
    ln_evidence: Option<f64>,
}

/// Connections to the database.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Connections {
    used: f64,
    /// Where this role may see it.
    idle: Option<f64>,
    max: f64,
}

/// Where the buckets of durations end, in seconds: from a service beside this one to one that is about to time out.
const BUCKETS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A histogram of durations.
#[derive(Debug, Default)]
struct Seconds {
    counts: [u64; BUCKETS.len()],
    count: u64,
    sum: f64,
}

impl Seconds {
    fn observe(&mut self, seconds: f64) {
        self.count += 1;
        self.sum += seconds;
        if let Some(place) = BUCKETS.iter().position(|end| seconds <= *end) {
            self.counts[place] += 1;
        }
    }
}

/// Steps of a request, as the readings of an HTTP probe are called, and as the label says it.
const PHASES: [(&str, &str); 5] = [
    ("resolve_ms", "resolve"),
    ("connect_ms", "connect"),
    ("tls_ms", "tls"),
    ("first_byte_ms", "first_byte"),
    ("transfer_ms", "transfer"),
];

impl Metrics {
    pub fn new(environment: &str) -> Self {
        Self { environment: environment.to_owned(), ..Self::default() }
    }

    /// A source was asked.
    pub fn took(&mut self, check: &CheckName, taken: &Taken, took: Duration) {
        let of = self.checks.entry(check.clone()).or_default();
        *of.results.entry(taken.measurement.verdict.as_str()).or_default() += 1;
        of.phases.entry("total").or_default().observe(took.as_secs_f64());
        let status = value(&taken.readings, "status");
        for (reading, phase) in PHASES {
            // Only a request has steps: a database's time to connect is a value of its own.
            if let Some(ms) = value(&taken.readings, reading).filter(|_| value(&taken.readings, "total_ms").is_some()) {
                of.phases.entry(phase).or_default().observe(ms / 1000.0);
            }
        }
        if let Some(code) = status {
            *of.codes.entry(code.to_string()).or_default() += 1;
        }
        let (used, share) = (value(&taken.readings, "connections_used"), value(&taken.readings, "connections_share"));
        if let (Some(used), Some(share)) = (used, share.filter(|share| *share > 0.0)) {
            let idle = value(&taken.readings, "connections_idle");
            self.connections = Some(Connections { used, idle, max: (used / share).round() });
        }
    }

    /// A rule has judged.
    pub fn judged(&mut self, judgement: &Judgement) {
        let of = self.checks.entry(judgement.check.clone()).or_default();
        if let Some(row) = judgement.streak {
            of.streaks.insert(judgement.rule.as_str(), row.failures);
        }
        match &judgement.seen {
            Seen::Errors { counts, .. } => of.error_ratio = counts.share().map(Share::as_ratio),
            Seen::Evidence { evidence, .. } => of.ln_evidence = Some(evidence.value().max(f64::MIN_POSITIVE).ln()),
            // What was said before is not true any more.
            Seen::Nothing(_) if judgement.rule == RuleName::Floor => of.error_ratio = None,
            Seen::Nothing(_) | Seen::Probes { .. } | Seen::Beside { .. } | Seen::Latency { .. } | Seen::Value(_) => {}
        }
    }

    /// What the ledger says of releases, migrations and alerts.
    pub fn vitals(&mut self, vitals: Vitals) {
        self.vitals = Some(vitals);
    }

    /// Checks that are none any more are told of no longer.
    pub fn retain(&mut self, is_kept: impl Fn(&CheckName) -> bool) {
        self.checks.retain(|name, _| is_kept(name));
    }

    /// All of them as text.
    pub fn text(&self, format: Format) -> String {
        format.write(&self.families())
    }

    fn families(&self) -> Vec<Family> {
        let mut families = self.of_checks();
        families.extend(self.of_database());
        if let Some(vitals) = &self.vitals {
            families.extend(self.of_ledger(vitals));
        }
        families
    }

    fn of_checks(&self) -> Vec<Family> {
        let env = || ("env", self.environment.clone());
        let (mut results, mut durations, mut codes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut ratios, mut streaks, mut evidence) = (Vec::new(), Vec::new(), Vec::new());
        for (name, of) in &self.checks {
            let check = || ("check", name.as_str().to_owned());
            for verdict in [Verdict::Pass, Verdict::Fail, Verdict::NoData, Verdict::ProbeError] {
                let result = verdict.as_str();
                let count = of.results.get(result).copied().unwrap_or(0);
                results.push(plain(vec![check(), env(), ("result", result.to_owned())], whole(count)));
            }
            for (phase, seconds) in &of.phases {
                let labels = || vec![check(), ("phase", (*phase).to_owned())];
                let mut below = 0;
                for (end, count) in BUCKETS.iter().zip(seconds.counts) {
                    below += count;
                    durations.push(bucket(labels(), &end.to_string(), below));
                }
                durations.push(bucket(labels(), "+Inf", seconds.count));
                durations.push(Sample { suffix: "_sum", labels: labels(), value: seconds.sum });
                durations.push(Sample { suffix: "_count", labels: labels(), value: whole(seconds.count) });
            }
            codes.extend(
                of.codes.iter().map(|(code, count)| plain(vec![check(), ("code", code.clone())], whole(*count))),
            );
            ratios.extend(of.error_ratio.map(|ratio| plain(vec![check()], ratio)));
            streaks.extend(
                of.streaks
                    .iter()
                    .map(|(rule, row)| plain(vec![check(), ("kind", (*rule).to_owned())], f64::from(*row))),
            );
            evidence.extend(of.ln_evidence.map(|ln| plain(vec![check()], ln)));
        }
        let family = |name, kind, help, samples| Family { name, kind, help, samples };
        vec![
            family("lockkeeper_health_check", Kind::Counter, "Measurements, by what each says by itself.", results),
            family(
                "lockkeeper_probe_duration_seconds",
                Kind::Histogram,
                "How long measurements took: the steps of requests, and the total.",
                durations,
            ),
            family("lockkeeper_http_responses", Kind::Counter, "Answers to HTTP probes, by their status.", codes),
            family(
                "lockkeeper_error_ratio",
                Kind::Gauge,
                "The share of errors in the last window that could be judged.",
                ratios,
            ),
            family(
                "lockkeeper_health_streak",
                Kind::Gauge,
                "Failures in a row, by the rule that counts them.",
                streaks,
            ),
            family(
                "lockkeeper_health_e_value_log",
                Kind::Gauge,
                "The natural logarithm of the detector's evidence.",
                evidence,
            ),
        ]
    }

    fn of_database(&self) -> Vec<Family> {
        let Some(Connections { used, idle, max }) = self.connections else { return Vec::new() };
        let states = [("used", Some(used)), ("idle", idle)].into_iter();
        vec![
            Family {
                name: "lockkeeper_db_connections",
                kind: Kind::Gauge,
                help: "Connections to the database.",
                samples: states
                    .filter_map(|(state, count)| Some(plain(vec![("state", state.to_owned())], count?)))
                    .collect(),
            },
            Family {
                name: "lockkeeper_db_connections_max",
                kind: Kind::Gauge,
                help: "Connections that the database has room for.",
                samples: vec![plain(Vec::new(), max)],
            },
        ]
    }

    fn of_ledger(&self, vitals: &Vitals) -> Vec<Family> {
        let env = || ("env", self.environment.clone());
        let schema = vitals.schema.map(|number| number.to_string()).unwrap_or_default();
        let release = vitals.release.iter().map(|release| {
            let version = release.version.clone().unwrap_or_default();
            plain(vec![env(), ("version", version), ("schema", schema.clone())], 1.0)
        });
        // A series for each state, so that a query finds the one that is 1.
        let phase = vitals.release.iter().flat_map(|release| {
            ReleaseState::ALL.map(|state| {
                let is_here = f64::from(u8::from(state == release.state));
                plain(vec![env(), ("phase", state.as_str().to_owned())], is_here)
            })
        });
        #[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 lose nothing that is told")]
        let succeeded = vitals.last_success_at.map(|at| plain(vec![env()], at.as_microsecond() as f64 / 1e6));
        let deliveries = vitals.deliveries.iter().flat_map(|of| {
            [("delivered", of.delivered), ("gave_up", of.gave_up)].map(|(outcome, count)| {
                plain(vec![("sink", of.sink.clone()), ("outcome", outcome.to_owned())], whole(count))
            })
        });
        let rollbacks = vitals.rollbacks.iter().map(|of| {
            let label = |name, text: &str| (name, text.to_owned());
            let labels = vec![
                env(),
                label("trigger", &of.trigger),
                label("scope", &of.scope),
                label("outcome", of.outcome.as_str()),
            ];
            plain(labels, whole(of.count))
        });
        let durations = vitals.migrations.iter().flat_map(|of| {
            let labels = || vec![env(), ("phase", format!("stage{}", of.stage))];
            let mut samples: Vec<Sample> =
                of.within.iter().map(|(end, count)| bucket(labels(), &end.to_string(), *count)).collect();
            samples.push(bucket(labels(), "+Inf", of.count));
            samples.push(Sample { suffix: "_count", labels: labels(), value: whole(of.count) });
            samples.push(Sample { suffix: "_sum", labels: labels(), value: of.seconds });
            samples
        });
        let family = |name, kind, help, samples| Family { name, kind, help, samples };
        vec![
            family("lockkeeper_rollbacks", Kind::Counter, "Releases that went back, or froze.", rollbacks.collect()),
            family(
                "lockkeeper_migration_duration_seconds",
                Kind::Histogram,
                "How long migrations took to be applied.",
                durations.collect(),
            ),
            family("lockkeeper_release", Kind::Info, "The newest release.", release.collect()),
            family("lockkeeper_release_phase", Kind::Gauge, "Where the newest release is.", phase.collect()),
            family(
                "lockkeeper_migration_last_success_timestamp_seconds",
                Kind::Gauge,
                "When a migration was last applied.",
                succeeded.into_iter().collect(),
            ),
            family("lockkeeper_alert_deliveries", Kind::Counter, "Alerts, by how they ended.", deliveries.collect()),
        ]
    }
}

fn value(readings: &[Reading], name: &str) -> Option<f64> {
    readings.iter().find(|reading| reading.name == name).and_then(|reading| reading.value.as_ref().ok()).copied()
}

const fn plain(labels: Vec<(&'static str, String)>, value: f64) -> Sample {
    Sample { suffix: "", labels, value }
}

fn bucket(mut labels: Vec<(&'static str, String)>, end: &str, count: u64) -> Sample {
    labels.push(("le", end.to_owned()));
    Sample { suffix: "_bucket", labels, value: whole(count) }
}

#[expect(clippy::cast_precision_loss, reason = "a float is what the format has")]
const fn whole(count: u64) -> f64 {
    count as f64
}
