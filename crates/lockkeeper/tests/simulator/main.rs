//! The rules on simulated traffic: how often they are wrong, and how long they take to be right.
//!
//! The rules are the real ones; the traffic is drawn from seeds, 10,000 watches for each row. What
//! comes out is the table that the documentation shows, and bounds that hold.

mod slices;
mod table;
mod watches;

use table::Row;
use watches::Rate;

const WATCHES: u32 = 10_000;

/// The probability that a healthy hour is rolled back.
const FALSE_ALARMS_MAX: f64 = 0.01;

#[test]
fn the_rules_keep_their_promise() {
    let rows = table::simulate(WATCHES);
    for rate in table::TRAFFIC {
        for error_rate in [0.01, 0.02] {
            let row = find(&rows, rate, error_rate);
            assert!(row.by.usual <= FALSE_ALARMS_MAX, "{row:?}");
        }
    }
    let independent = |per_second| Rate { per_second, correlation: 0.0 };
    for (per_second, error_rate, seconds_max) in
        [(10.0, 0.1, 30.0), (1.0, 0.1, 200.0), (10.0, 1.0, 5.0), (1.0, 1.0, 20.0)]
    {
        let row = find(&rows, independent(per_second), error_rate);
        assert!(row.by.usual <= seconds_max, "{row:?}");
    }
    table::check_docs(&rows);
}

fn find(rows: &[Row], rate: Rate, error_rate: f64) -> &Row {
    rows.iter()
        .find(|row| row.rate == rate && (row.error_rate - error_rate).abs() < 1e-9)
        .expect("the table has every row of the promise")
}
