//! How much counters rose between two takes, series by series.

use std::collections::BTreeMap;

use lockkeeper_core::message;
use lockkeeper_core::model::Message;

use super::not_a_counter;

/// The value of each series.
#[derive(Debug, Clone, Default)]
pub(super) struct Totals(BTreeMap<String, f64>);

/// Beyond so many, the application makes a series of every request.
const SERIES_MAX: usize = 100_000;

impl Totals {
    pub(super) fn single(value: f64) -> Self {
        Self(BTreeMap::from([(String::new(), value)]))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One more series.
    pub(super) fn add(&mut self, key: String, value: f64) -> Result<(), Message> {
        if let Some(why) = not_a_counter(&key, value) {
            return Err(why);
        }
        if self.0.len() == SERIES_MAX {
            return Err(message!("probe-counters-too-many", max = SERIES_MAX));
        }
        match self.0.insert(key.clone(), value) {
            None => Ok(()),
            Some(_) => Err(message!("probe-counters-twice", name = key)),
        }
    }

    /// How much these rose since `before`.
    ///
    /// A value that fell began anew, so what it shows is what it rose by. So does a series that was not there before:
    /// client libraries make one with its first increment, and the first errors of a release are what we look for.
    /// One that is gone counts for nothing.
    pub(super) fn since(&self, before: &Self) -> u64 {
        let rises = self.0.iter().map(|(key, now)| match before.0.get(key) {
            Some(before) if now >= before => now - before,
            Some(_) | None => *now,
        });
        whole(rises.sum())
    }

    /// Takes over what is now, and keeps what is gone for the moment: should it come back, only what it rose by
    /// meanwhile counts.
    pub(super) fn become_now(&mut self, now: Self) {
        if self.0.len() + now.0.len() > 2 * SERIES_MAX {
            self.0.clear();
        }
        self.0.extend(now.0);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rises are finite and not negative")]
fn whole(rise: f64) -> u64 {
    rise.round() as u64
}
