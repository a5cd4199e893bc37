//! Watches on simulated traffic: the usual rules, and the rule that others have beside them.

use lockkeeper_core::health::{Correlation, Counts, Evidence, Floor, NoDataPolicy, Rules, Streak, Tempering};

use crate::slices::{Random, Traffic};

/// Slices of 5 s in an hour, and in a window of 30 s.
const SLICES: usize = 720;
const SLICES_PER_WINDOW: usize = 6;
/// The hour before the deploy.
const BASELINE_SLICES: usize = 720;
const BASELINE_ERROR_RATE: f64 = 0.01;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    pub per_second: f64,
    pub correlation: f64,
}

impl Rate {
    fn traffic(self, error_rate: f64) -> Traffic {
        Traffic::new(self.per_second * 5.0, error_rate, self.correlation)
    }
}

/// What each rule did.
#[derive(Debug, Clone, Copy, Default)]
pub struct By<T> {
    /// The detector alone.
    pub detector: T,
    /// The floor with its least number of requests.
    pub floor: T,
    /// Whichever of the two is first: the usual rules.
    pub usual: T,
    /// The floor without a least number of requests, as others have it.
    pub naive: T,
}

impl<T: Copy> By<T> {
    fn map<U>(self, each: impl Fn(T) -> U) -> By<U> {
        By { detector: each(self.detector), floor: each(self.floor), usual: each(self.usual), naive: each(self.naive) }
    }
}

/// One watch, with its rules' state.
struct Judge {
    rules: Rules,
    correlation: Option<Correlation>,
    evidence: Evidence,
    floor: Counting,
    naive: Counting,
    slices: usize,
    /// At which slice each alarmed first.
    alarmed: By<Option<usize>>,
}

/// A rule that counts windows.
struct Counting {
    rule: Floor,
    window: Counts,
    streak: Streak,
}

impl Counting {
    const fn new(rule: Floor) -> Self {
        Self { rule, window: Counts::NONE, streak: Streak::of(0) }
    }

    fn breaches(
        &mut self,
        slice: Counts,
        window_ends: bool,
        tempering: impl FnOnce(Counts) -> Option<Tempering>,
    ) -> bool {
        self.window = self.window.plus(slice);
        if !window_ends {
            return false;
        }
        let window = std::mem::take(&mut self.window);
        let (verdict, _) = match tempering(window) {
            Some(tempering) => self.rule.look_through(window, tempering),
            None => self.rule.look(window),
        };
        self.streak = self.streak.after(verdict, NoDataPolicy::Hold);
        self.streak.reached(self.rule.consecutive)
    }
}

impl Judge {
    fn new(baseline: &Traffic, random: &mut Random) -> Self {
        let rules = Rules::usual();
        let slices: Vec<Counts> = (0..BASELINE_SLICES).map(|_| baseline.slice(random)).collect();
        Self {
            correlation: Correlation::learned_from(&slices),
            evidence: Evidence::default(),
            floor: Counting::new(*rules.floor.numbers().expect("the floor is usual")),
            naive: Counting::new(Floor { min_samples: 1, ..Floor::default() }),
            slices: 0,
            alarmed: By::default(),
            rules,
        }
    }

    fn see(&mut self, slice: Counts) {
        let place = self.slices;
        self.slices += 1;
        let window_ends = self.slices.is_multiple_of(SLICES_PER_WINDOW);
        let detector = self.rules.detector.numbers().expect("the detector is usual");
        self.evidence = detector.after(self.evidence, slice, self.correlation.unwrap_or(Correlation::UNKNOWN));
        let note = |first: &mut Option<usize>, alarms: bool| {
            if alarms && first.is_none() {
                *first = Some(place);
            }
        };
        let (rules, correlation) = (self.rules, self.correlation);
        let by_detector = detector.alarms(self.evidence);
        let by_floor = self.floor.breaches(slice, window_ends, |window| rules.tempers_floor(window, correlation));
        note(&mut self.alarmed.detector, by_detector);
        note(&mut self.alarmed.floor, by_floor);
        note(&mut self.alarmed.usual, by_detector || by_floor);
        note(&mut self.alarmed.naive, self.naive.breaches(slice, window_ends, |_| None));
    }
}

/// Healthy watches of an hour: the share of them that alarms.
pub fn healthy(rate: Rate, error_rate: f64, watches: u32) -> By<f64> {
    let (baseline, traffic) = (rate.traffic(BASELINE_ERROR_RATE), rate.traffic(error_rate));
    let mut alarmed = By::<u32>::default();
    for watch in 0..watches {
        let mut random = Random::new(seed(rate, error_rate, watch));
        let mut judge = Judge::new(&baseline, &mut random);
        for _ in 0..SLICES {
            judge.see(traffic.slice(&mut random));
        }
        alarmed.detector += u32::from(judge.alarmed.detector.is_some());
        alarmed.floor += u32::from(judge.alarmed.floor.is_some());
        alarmed.usual += u32::from(judge.alarmed.usual.is_some());
        alarmed.naive += u32::from(judge.alarmed.naive.is_some());
    }
    alarmed.map(|count| f64::from(count) / f64::from(watches))
}

/// Watches of a system that begins to fail at some instant: the mean time in seconds until each rule
/// sees it. An hour where one does not.
pub fn detect(rate: Rate, error_rate: f64, watches: u32) -> By<f64> {
    let (baseline, faulty) = (rate.traffic(BASELINE_ERROR_RATE), rate.traffic(error_rate));
    let mut seconds = By::<f64>::default();
    for watch in 0..watches {
        let mut random = Random::new(seed(rate, error_rate, watch));
        let mut judge = Judge::new(&baseline, &mut random);
        let healthy_slices = SLICES_PER_WINDOW * 4 + random.below(SLICES_PER_WINDOW);
        for _ in 0..healthy_slices {
            judge.see(baseline.slice(&mut random));
        }
        judge.alarmed = By::default();
        // The fault begins somewhere inside of a slice: what came before it is healthy still.
        let before = random.ratio();
        judge.see(part(baseline.slice(&mut random), before, &mut random).plus(part(
            faulty.slice(&mut random),
            1.0 - before,
            &mut random,
        )));
        for _ in 1..SLICES {
            if judge.alarmed.detector.is_some() && judge.alarmed.naive.is_some() {
                break;
            }
            judge.see(faulty.slice(&mut random));
        }
        #[expect(clippy::cast_precision_loss, reason = "an hour of slices")]
        let since = judge
            .alarmed
            .map(|alarmed| alarmed.map_or(3600.0, |place| ((place - healthy_slices) as f64 + 1.0 - before) * 5.0));
        seconds.detector += since.detector;
        seconds.floor += since.floor;
        seconds.usual += since.usual;
        seconds.naive += since.naive;
    }
    seconds.map(|sum| sum / f64::from(watches))
}

/// A part of a slice's requests, each of them with this probability.
fn part(slice: Counts, share: f64, random: &mut Random) -> Counts {
    let mut drawn = Counts::NONE;
    for request in 0..slice.requests() {
        if random.ratio() < share {
            drawn = drawn.plus(Counts::one(request < slice.errors()));
        }
    }
    drawn
}

fn seed(rate: Rate, error_rate: f64, watch: u32) -> u64 {
    let mut random = Random::new(
        rate.per_second.to_bits() ^ rate.correlation.to_bits().rotate_left(17) ^ error_rate.to_bits().rotate_left(31),
    );
    random.next() ^ (u64::from(watch) << 20)
}
