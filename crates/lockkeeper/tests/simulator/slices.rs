//! Slices of traffic, drawn at random: requests arrive independently, errors come in bursts.

use lockkeeper_core::health::Counts;
use statrs::function::gamma::ln_gamma;

/// `SplitMix64`: the same seed gives the same watch.
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a float has")]
    pub fn ratio(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap_or(0)
    }
}

/// Traffic of one kind: the distribution of (requests, errors) of a slice, from which one is drawn in
/// the same time whatever its size (A. J. Walker's alias method).
pub struct Traffic {
    outcomes: Vec<Counts>,
    keep: Vec<f64>,
    alias: Vec<usize>,
}

impl Traffic {
    /// `per_slice` requests on average, arriving independently; `error_rate` of them fail;
    /// `correlation` of two errors of one slice (the rate of each slice is beta distributed).
    pub fn new(per_slice: f64, error_rate: f64, correlation: f64) -> Self {
        let mut outcomes = Vec::new();
        let mut weights = Vec::new();
        let reach = 7.0 * per_slice.sqrt() + 12.0;
        let (least, most) = ((per_slice - reach).max(0.0).floor(), (per_slice + reach).ceil());
        let mut requests = least;
        while requests <= most {
            let ln_requests = requests * per_slice.ln() - per_slice - ln_gamma(requests + 1.0);
            let mut errors = 0.0;
            while errors <= requests {
                let weight = (ln_requests + ln_errors(requests, errors, error_rate, correlation)).exp();
                if weight > 1e-13 {
                    outcomes.push(counts(requests, errors));
                    weights.push(weight);
                }
                errors += 1.0;
            }
            requests += 1.0;
        }
        let (keep, alias) = alias_table(&weights);
        Self { outcomes, keep, alias }
    }

    pub fn slice(&self, random: &mut Random) -> Counts {
        let place = random.below(self.outcomes.len());
        if random.ratio() < self.keep[place] { self.outcomes[place] } else { self.outcomes[self.alias[place]] }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small whole numbers")]
fn counts(requests: f64, errors: f64) -> Counts {
    Counts::new(requests as u64, errors as u64).expect("errors are requests")
}

/// The logarithm of the probability of so many errors: binomial, or beta-binomial when they hang
/// together.
fn ln_errors(requests: f64, errors: f64, rate: f64, correlation: f64) -> f64 {
    let successes = requests - errors;
    let ln_ways = ln_gamma(requests + 1.0) - ln_gamma(errors + 1.0) - ln_gamma(successes + 1.0);
    if rate >= 1.0 {
        return if successes > 0.0 { f64::NEG_INFINITY } else { 0.0 };
    }
    if correlation <= 0.0 {
        return ln_ways + errors * rate.ln() + successes * (1.0 - rate).ln();
    }
    let strength = (1.0 - correlation) / correlation;
    let (a, b) = (rate * strength, (1.0 - rate) * strength);
    let ln_beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    ln_ways + ln_beta(errors + a, successes + b) - ln_beta(a, b)
}

fn alias_table(weights: &[f64]) -> (Vec<f64>, Vec<usize>) {
    let total: f64 = weights.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "a hundred thousand outcomes")]
    let many = weights.len() as f64;
    let mut scaled: Vec<f64> = weights.iter().map(|weight| weight / total * many).collect();
    let mut alias: Vec<usize> = (0..weights.len()).collect();
    let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..weights.len()).partition(|place| scaled[*place] < 1.0);
    let mut keep = vec![1.0; weights.len()];
    while let (Some(less), Some(more)) = (small.pop(), large.pop()) {
        keep[less] = scaled[less];
        alias[less] = more;
        scaled[more] -= 1.0 - scaled[less];
        if scaled[more] < 1.0 { &mut small } else { &mut large }.push(more);
    }
    (keep, alias)
}

#[test]
fn the_traffic_is_what_it_says_it_is() {
    let traffic = Traffic::new(50.0, 0.02, 0.05);
    let mut random = Random::new(7);
    let total = (0..200_000).fold(Counts::NONE, |sum, _| sum.plus(traffic.slice(&mut random)));
    let share = total.share().expect("requests").as_ratio();
    assert!((0.0195..0.0205).contains(&share), "{share}");
    assert!((9_950_000..10_050_000).contains(&total.requests()), "{}", total.requests());
}
