//! Samples and thresholds become a verdict: the rules of the health gate, and their detectors.

mod bounds;
mod counts;
mod detector;
mod floor;
mod hard_down;
mod latency;
mod mixture;
mod relative;
mod streak;
mod tempering;

pub use bounds::{share_high, share_low};
pub use counts::{Counts, Share};
pub use detector::{Detector, DetectorFault, Evidence};
pub use floor::Floor;
pub use hard_down::HardDown;
pub use latency::{Latencies, LatencyRule};
pub use mixture::ln_evidence;
pub use relative::{SideBySide, alarms_against_earlier, ln_evidence_against_earlier};
pub use streak::{NoDataPolicy, Streak};
pub use tempering::Tempering;
