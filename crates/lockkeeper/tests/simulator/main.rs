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

/// The traffic that the promise is about.
const PROMISED: [f64; 3] = [1.0, 10.0, 100.0];

#[test]
fn the_rules_keep_their_promise() {
    let rows = table::simulate(WATCHES);
    for rate in PROMISED {
        for correlation in [0.0, 0.05] {
            for error_rate in [0.01, 0.02] {
                let row = find(&rows, Rate { per_second: rate, correlation }, error_rate);
                assert!(row.by.detector <= 0.01, "{row:?}");
                // The floor is fixed, and has false alarms of its own in bursts: what the detector
                // adds to them stays small.
                assert!(row.by.usual <= 0.01_f64.max(row.by.floor + 0.0025), "{row:?}");
            }
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
