//! Every fault at every effect, one test for each scenario.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use lockkeeper_testkit::Random;

use super::scenario::{self, Scenario};
use super::trial::{Kind, Trial};

macro_rules! scenarios {
    ($($test:ident = $scenario:ident;)*) => {
        $(#[test]
        fn $test() {
            every_point(&scenario::$scenario);
        })*

        /// All scenarios that are tested point by point.
        pub const ALL: &[&Scenario] = &[$(&scenario::$scenario),*];
    };
}

scenarios! {
    stage_1 = STAGE_1;
    stage_2 = STAGE_2;
    deployed = DEPLOYED;
    rollback = ROLLBACK;
    salvage = SALVAGE;
    put_back = PUT_BACK;
    index_concurrently = INDEX_CONCURRENTLY;
    rollback_concurrently = ROLLBACK_CONCURRENTLY;
    no_transaction = NO_TRANSACTION;
    rollback_no_transaction = ROLLBACK_NO_TRANSACTION;
    create_index = CREATE_INDEX;
    rollback_create_index = ROLLBACK_CREATE_INDEX;
    set_not_null = SET_NOT_NULL;
    add_check = ADD_CHECK;
    add_foreign_key = ADD_FOREIGN_KEY;
    add_unique = ADD_UNIQUE;
    add_primary_key = ADD_PRIMARY_KEY;
    drop_index = DROP_INDEX;
    drop_index_and_update = DROP_INDEX_AND_UPDATE;
    rollback_stage_2 = ROLLBACK_STAGE_2;
    volatile_default = VOLATILE_DEFAULT;
    backfill = BACKFILL;
    rollback_volatile_default = ROLLBACK_VOLATILE_DEFAULT;
    refresh = REFRESH;
    mixed_stage_1 = MIXED_STAGE_1;
    mixed_stage_2 = MIXED_STAGE_2;
    demo_first = DEMO_FIRST;
    demo_stage_1 = DEMO_STAGE_1;
    demo_stage_2 = DEMO_STAGE_2;
    demo_rollback = DEMO_ROLLBACK;
}

/// Points that a test run tries of each scenario when it is not told to try all.
const POINTS_OF_MANY: usize = 6;

/// Points tried so far by all tests of this process.
static TRIED: AtomicUsize = AtomicUsize::new(0);

#[track_caller]
fn every_point(scenario: &'static Scenario) {
    let began = Instant::now();
    let trial = Trial::prepare(scenario, None);
    let points = points(&trial);
    let (mut failures, mut tried) = (Vec::new(), 0);
    for (kind, at) in &points {
        match trial.point(*kind, *at) {
            Ok(reached) => tried += usize::from(reached),
            Err(failure) => failures.push(failure),
        }
    }
    tried += failures.len();
    let (effects, seconds) = (trial.effects.len(), began.elapsed().as_secs_f32());
    told(&format!("{} with {effects} effects, {seconds:.1} s", scenario.name), tried);
    let count = failures.len();
    assert!(failures.is_empty(), "{count} of {tried} points:\n\n{}", failures.join("\n\n"));
}

/// A plan that is made anew knows of an index that is gone already, and had the statement behind it join the
/// transaction of one that was done: it never ran.
#[test]
fn what_stands_behind_a_dropped_index_is_not_forgotten() {
    let trial = Trial::prepare(&scenario::DROP_INDEX_AND_UPDATE, None);
    let dropped = trial.effects.iter().position(|effect| effect.starts_with("DROP INDEX CONCURRENTLY")).unwrap() + 1;
    let begun = |effect: &String| effect.starts_with("UPDATE customers");
    let updated = trial.effects.iter().position(begun).unwrap() + 1;
    let points: Vec<_> = (dropped..=updated).collect();
    for at in &points {
        trial.point(Kind::KillAfter, *at).unwrap_or_else(|failure| panic!("{failure}"));
    }
    told("what stands behind a dropped index", points.len());
}

/// Says how much was tried, past the capture of a test's output, because that belongs into the log of every run.
pub fn told(what: &str, tried: usize) {
    let total = TRIED.fetch_add(tried, Ordering::Relaxed) + tried;
    let line = format!("crash tests: {tried:>4} points of {what}; {total} so far\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// The points to try: all with `LOCKKEEPER_LONG`, one with `LOCKKEEPER_POINT`, otherwise some.
fn points(trial: &Trial) -> Vec<(Kind, usize)> {
    let effects = trial.effects.len();
    if let Ok(point) = std::env::var("LOCKKEEPER_POINT") {
        let (name, at) = point.split_once(' ').expect("a fault and the number of an effect");
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name).expect("the name of a fault");
        return vec![(kind, at.parse().expect("the number of an effect"))];
    }
    // Faults that are retried make a run longer than the one that nobody disturbed: one more effect than that had
    // is not reached by it.
    let all: Vec<_> = Kind::ALL.into_iter().flat_map(|kind| (1..=effects).map(move |at| (kind, at))).collect();
    some(all, seed() ^ scenario_number(trial.scenario))
}

/// All of these in a run that tries all; otherwise every so many of them, from one on that the seed picks.
pub fn some<T>(all: Vec<T>, seed: u64) -> Vec<T> {
    let many = std::env::var("LOCKKEEPER_POINTS").ok().and_then(|count| count.parse().ok());
    let many = if is_long() { all.len() } else { many.unwrap_or(POINTS_OF_MANY) };
    let step = all.len().div_ceil(many.max(1)).max(1);
    let first = usize::try_from(Random::new(seed).below(step as u64)).unwrap();
    all.into_iter().skip(first).step_by(step).collect()
}

/// Whether to try everything, which takes minutes.
pub fn is_long() -> bool {
    std::env::var_os("LOCKKEEPER_LONG").is_some_and(|value| value == "1")
}

/// What a test run picks its points and schedules by.
pub fn seed() -> u64 {
    std::env::var("LOCKKEEPER_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

fn scenario_number(scenario: &Scenario) -> u64 {
    scenario.name.bytes().fold(0, |number, byte| number.wrapping_mul(31).wrapping_add(u64::from(byte)))
}
