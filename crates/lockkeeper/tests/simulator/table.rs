//! The table of what the rules do, as the documentation shows it.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;

use crate::watches::{By, Rate, detect, healthy};

/// The traffic that is tried.
pub const TRAFFIC: [Rate; 10] = [
    Rate { per_second: 0.5, correlation: 0.0 },
    Rate { per_second: 0.5, correlation: 0.05 },
    Rate { per_second: 1.0, correlation: 0.0 },
    Rate { per_second: 1.0, correlation: 0.05 },
    Rate { per_second: 2.0, correlation: 0.0 },
    Rate { per_second: 2.0, correlation: 0.05 },
    Rate { per_second: 10.0, correlation: 0.0 },
    Rate { per_second: 10.0, correlation: 0.05 },
    Rate { per_second: 100.0, correlation: 0.0 },
    Rate { per_second: 100.0, correlation: 0.05 },
];

/// Healthy systems, an hour each.
const HEALTHY: [f64; 3] = [0.01, 0.02, 0.03];
/// What fails, from one moment to the next.
const FAULTS: [f64; 3] = [0.1, 0.5, 1.0];

/// One kind of traffic at one error rate: the share of alarms in a healthy hour, or the mean time in
/// seconds until a fault is seen.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub rate: Rate,
    pub error_rate: f64,
    pub is_fault: bool,
    pub by: By<f64>,
}

/// Every row, on all cores.
pub fn simulate(watches: u32) -> Vec<Row> {
    let cases: Vec<(Rate, f64, bool)> = TRAFFIC
        .into_iter()
        .flat_map(|rate| {
            let healthy = HEALTHY.into_iter().map(move |error_rate| (rate, error_rate, false));
            healthy.chain(FAULTS.into_iter().map(move |error_rate| (rate, error_rate, true)))
        })
        .collect();
    let next = Mutex::new(cases.iter().enumerate());
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let case = next.lock().expect("no case panics").next();
                    let Some((place, (rate, error_rate, is_fault))) = case else { break };
                    let by = if *is_fault { detect } else { healthy }(*rate, *error_rate, watches);
                    let row = Row { rate: *rate, error_rate: *error_rate, is_fault: *is_fault, by };
                    done.lock().expect("no case panics").push((place, row));
                }
            });
        }
    });
    let mut rows = done.into_inner().expect("no case panics");
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// As Markdown: healthy hours, then faults.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| requests/s | bursts (ρ) | true error rate | usual rules | of these the detector | naive rule |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for row in rows.iter().filter(|row| !row.is_fault) {
        let percent = |share: f64| format!("{:.2} %", share * 100.0);
        push(&mut text, row, [percent(row.by.usual), percent(row.by.detector), percent(row.by.naive)]);
    }
    text.push_str(
        "\n| requests/s | bursts (ρ) | error rate from now on | usual rules | the detector alone | naive rule |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for row in rows.iter().filter(|row| row.is_fault) {
        let seconds = |mean: f64| if mean < 10.0 { format!("{mean:.1} s") } else { format!("{mean:.0} s") };
        push(&mut text, row, [seconds(row.by.usual), seconds(row.by.detector), seconds(row.by.naive)]);
    }
    text
}

fn push(text: &mut String, row: &Row, [usual, detector, naive]: [String; 3]) {
    let Rate { per_second, correlation } = row.rate;
    let percent = row.error_rate * 100.0;
    writeln!(text, "| {per_second} | {correlation} | {percent:.0} % | {usual} | {detector} | {naive} |")
        .expect("a string takes everything");
}

const BEGIN: &str = "<!-- simulated: written by the test `simulator`, with UPDATE_DOCS=1 -->\n\n";
const END: &str = "\n<!-- simulated: end -->";

/// The page shows what the simulator measures. Written anew with `UPDATE_DOCS=1`.
pub fn check_docs(rows: &[Row]) {
    for page in ["docs/health-gate.md", "docs/health-gate.ko.md"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(page);
        let text = std::fs::read_to_string(&path).expect("the page is there");
        let (before, rest) = text.split_once(BEGIN).expect("the page has the table's beginning");
        let (table, after) = rest.split_once(END).expect("the page has the table's end");
        let simulated = markdown(rows);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, format!("{before}{BEGIN}{simulated}{END}{after}")).expect("the page is written");
        } else {
            assert_eq!(table, simulated, "{page} is not what is simulated; write it with UPDATE_DOCS=1");
        }
    }
}
