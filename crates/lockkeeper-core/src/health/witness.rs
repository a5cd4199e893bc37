//! The witness: whether the monitor itself is in a state to judge anybody.

use jiff::Timestamp;

/// What keeps the monitor from judging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Impediment {
    /// The witness, which has nothing to do with the target, cannot be reached either.
    OwnNetwork,
    /// The monitor was not given the CPU in time, so its time-outs are its own.
    OwnCpu,
    /// There were errors, and the witness was not asked after them.
    WitnessSilent,
}

impl Impediment {
    pub const ALL: [Self; 3] = [Self::OwnNetwork, Self::OwnCpu, Self::WitnessSilent];

    /// The reason code in JSON and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OwnNetwork => "own_network",
            Self::OwnCpu => "own_cpu",
            Self::WitnessSilent => "witness_silent",
        }
    }
}

/// What the witness last said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Witness {
    /// Whether a witness is configured. Without one only the CPU is looked at.
    configured: bool,
    reached_at: Option<Timestamp>,
    missed_at: Option<Timestamp>,
    starved_at: Option<Timestamp>,
}

impl Witness {
    pub const fn new(configured: bool) -> Self {
        Self { configured, reached_at: None, missed_at: None, starved_at: None }
    }

    /// Whether there is one from now on.
    pub const fn configure(&mut self, configured: bool) {
        self.configured = configured;
    }

    /// `at` is when the witness was asked, not when it answered.
    pub fn asked(&mut self, at: Timestamp, reached: bool) {
        let place = if reached { &mut self.reached_at } else { &mut self.missed_at };
        *place = (*place).max(Some(at));
    }

    pub fn starved(&mut self, at: Timestamp) {
        self.starved_at = self.starved_at.max(Some(at));
    }

    /// Whether the witness has to be asked before errors up to `last_error` may be judged.
    pub fn must_be_asked(&self, last_error: Timestamp) -> bool {
        self.configured && self.reached_at.max(self.missed_at) < Some(last_error)
    }

    /// What keeps a time from being judged, which began at `opened` and had its last error then.
    ///
    /// A time without errors needs no witness: what answered was reached.
    pub fn impediment(&self, opened: Timestamp, last_error: Option<Timestamp>) -> Option<Impediment> {
        let last_error = last_error.filter(|at| *at >= opened)?;
        let within = |at: Option<Timestamp>| at.is_some_and(|at| at >= opened);
        if within(self.starved_at) {
            Some(Impediment::OwnCpu)
        } else if self.configured && within(self.missed_at) {
            Some(Impediment::OwnNetwork)
        } else if self.must_be_asked(last_error) {
            Some(Impediment::WitnessSilent)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn errors_count_once_the_witness_was_reached_after_them() {
        let mut witness = Witness::new(true);
        witness.asked(second(3), true);
        assert_eq!(witness.impediment(second(0), Some(second(4))), Some(Impediment::WitnessSilent));
        witness.asked(second(5), true);
        assert_eq!(witness.impediment(second(0), Some(second(4))), None);
    }

    #[test]
    fn a_witness_that_was_missed_once_spoils_the_time_in_which_it_was() {
        let mut witness = Witness::new(true);
        witness.asked(second(4), false);
        witness.asked(second(5), true);
        assert_eq!(witness.impediment(second(0), Some(second(3))), Some(Impediment::OwnNetwork));
        assert_eq!(witness.impediment(second(5), Some(second(5))), None);
    }

    #[test]
    fn a_time_without_errors_needs_no_witness() {
        let mut witness = Witness::new(true);
        witness.asked(second(4), false);
        assert_eq!(witness.impediment(second(0), None), None);
        assert_eq!(witness.impediment(second(10), Some(second(9))), None, "an error before it is not in it");
    }

    #[test]
    fn without_a_witness_only_the_cpu_is_looked_at() {
        let mut witness = Witness::new(false);
        assert_eq!(witness.impediment(second(0), Some(second(1))), None);
        witness.starved(second(2));
        assert_eq!(witness.impediment(second(0), Some(second(1))), Some(Impediment::OwnCpu));
    }
}
