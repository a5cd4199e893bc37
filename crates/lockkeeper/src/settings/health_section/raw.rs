//! The section `[health]` as it is written: its keys, and nothing understood yet.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

type Text = Spanned<String>;

/// Keys with texts that are read later, so that each is told with its place.
pub(super) type Texts = BTreeMap<Text, Text>;

/// Keys with values that may be a text or a table.
pub(super) type Values = BTreeMap<Text, toml::Value>;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::settings) struct RawHealth {
    pub(super) interval: Option<Text>,
    pub(super) error_rate: Option<Text>,
    pub(super) consecutive: Option<Spanned<u32>>,
    pub(super) min_samples: Option<u64>,
    pub(super) warm_up: Option<Text>,
    pub(super) no_data_max: Option<Text>,
    pub(super) rules: Option<Vec<Text>>,
    pub(super) advisory: Option<Vec<Text>>,
    pub(super) latency: Option<RawLatency>,
    pub(super) witness: Option<Text>,
    pub(super) metrics: Option<Text>,
    #[serde(default)]
    pub(super) http: Vec<RawHttp>,
    #[serde(default)]
    pub(super) counters: Vec<RawCounters>,
    #[serde(default)]
    pub(super) prometheus: Vec<RawPromql>,
    pub(super) database: Option<RawDatabase>,
    pub(super) host: Option<RawHost>,
    #[serde(default)]
    pub(super) process: Vec<RawProcess>,
    #[serde(default)]
    pub(super) command: Vec<RawCommand>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLatency {
    pub(super) percentile: f64,
    pub(super) factor: f64,
    pub(super) fast_enough: Option<Text>,
}

/// What every check says of itself, whatever its source is.
pub(super) struct RawCheck<'r> {
    pub(super) role: Option<&'r Text>,
    pub(super) no_data: Option<&'r Text>,
    pub(super) every: Option<&'r Text>,
}

/// What every source says that is asked over HTTP.
pub(super) struct RawRequest<'r> {
    pub(super) url: &'r Text,
    pub(super) timeout: Option<&'r Text>,
    pub(super) connect_timeout: Option<&'r Text>,
    pub(super) sslrootcert: Option<&'r String>,
    pub(super) family: Option<&'r Text>,
    pub(super) headers: &'r Values,
}

/// A section with its own keys and those of every check. What derives its keys cannot share them otherwise: a
/// flattened struct knows neither places nor unknown keys.
macro_rules! check {
    ($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $key:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $($(#[$attribute])* pub(super) $key: $type,)*
            every: Option<Text>,
            role: Option<Text>,
            no_data: Option<Text>,
        }

        impl $name {
            pub(super) fn check(&self) -> RawCheck<'_> {
                RawCheck { role: self.role.as_ref(), no_data: self.no_data.as_ref(), every: self.every.as_ref() }
            }
        }
    };
}

/// The same, with the keys of every request.
macro_rules! request {
    ($(#[$doc:meta])* $name:ident by $url:ident { $($(#[$attribute:meta])* $key:ident: $type:ty,)* }) => {
        check! {
            $(#[$doc])*
            $name {
                $($(#[$attribute])* $key: $type,)*
                $url: Text,
                timeout: Option<Text>,
                connect_timeout: Option<Text>,
                sslrootcert: Option<String>,
                family: Option<Text>,
                #[serde(default)]
                headers: Values,
            }
        }

        impl $name {
            pub(super) fn request(&self) -> RawRequest<'_> {
                RawRequest {
                    url: &self.$url,
                    timeout: self.timeout.as_ref(),
                    connect_timeout: self.connect_timeout.as_ref(),
                    sslrootcert: self.sslrootcert.as_ref(),
                    family: self.family.as_ref(),
                    headers: &self.headers,
                }
            }
        }
    };
}

request! {
    /// `[[health.http]]`.
    RawHttp by url {
        name: Text,
        beside: Option<Text>,
        method: Option<Text>,
        body: Option<String>,
        body_bytes_max: Option<usize>,
        status: Option<Text>,
        slower_than: Option<Text>,
        tls_expires_in: Option<Text>,
        #[serde(default)]
        contains: Vec<String>,
        #[serde(default)]
        lacks: Vec<String>,
        #[serde(default)]
        matches: Vec<Text>,
        #[serde(default)]
        json: Values,
    }
}

request! {
    /// `[[health.counters]]`.
    RawCounters by url {
        name: Text,
        beside: Option<Text>,
        requests: Text,
        errors: Text,
    }
}

request! {
    /// `[[health.prometheus]]`.
    RawPromql by server {
        name: Text,
        query: String,
        fails: Text,
    }
}

check! {
    /// `[health.database]`.
    RawDatabase {
        #[serde(default)]
        fails: Texts,
        schema_fails: Option<Vec<Text>>,
        timeout: Option<Text>,
    }
}

check! {
    /// `[health.host]`.
    RawHost {
        #[serde(default)]
        fails: Texts,
    }
}

check! {
    /// `[[health.process]]`.
    RawProcess {
        name: Text,
        pid: Option<Spanned<i32>>,
        pid_file: Option<Text>,
        port: Option<Spanned<u16>>,
        #[serde(default)]
        fails: Texts,
    }
}

check! {
    /// `[[health.command]]`.
    RawCommand {
        name: Text,
        run: Spanned<Vec<String>>,
        fails: Option<Text>,
        timeout: Option<Text>,
    }
}
