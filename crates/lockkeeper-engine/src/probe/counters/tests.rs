//! What counters come to, from one take to the next.

use lockkeeper_core::health::Counts;

use super::*;

fn selector(text: &str) -> Selector {
    Selector::parse(text).expect(text)
}

fn read(text: &str) -> Result<Reckoning, &'static str> {
    let errors = selector("requests_total{code=~\"5..\"}");
    read_exposition(text.as_bytes(), &selector("requests_total"), &errors).map_err(|unread| match unread {
        Unread::Broken(why) | Unread::Missing(why) => why.id,
    })
}

/// What each document but the first brings, one take after the other.
fn takes(documents: &[&str]) -> Vec<Result<(u64, u64), &'static str>> {
    let mut before: Option<Reckoning> = None;
    let mut seen = Vec::new();
    for document in documents {
        match (read(document), &mut before) {
            (Err(why), _) => seen.push(Err(why)),
            (Ok(now), None) => before = Some(now),
            (Ok(now), Some(before)) => {
                let counts = before.advance(now);
                seen.push(counts.map(|counts| (counts.requests(), counts.errors())).map_err(|why| why.id));
            }
        }
    }
    seen
}

fn document(fine: u64, failed: u64) -> String {
    format!("requests_total{{code=\"200\"}} {fine}\nrequests_total{{code=\"500\"}} {failed}\n")
}

#[test]
fn what_rose_is_counted() {
    assert_eq!(takes(&[&document(100, 5), &document(130, 7), &document(130, 7)]), [Ok((32, 2)), Ok((0, 0))]);
}

#[test]
fn a_counter_that_fell_began_anew() {
    assert_eq!(takes(&[&document(100, 5), &document(10, 1), &document(12, 1)]), [Ok((11, 1)), Ok((2, 0))]);
    // Only one of the two is below what it was, and each is looked at by itself.
    assert_eq!(takes(&[&document(100, 5), &document(3, 8)]), [Ok((6, 3))]);
}

#[test]
fn the_first_errors_of_a_release_are_not_lost() {
    let without = "requests_total{code=\"200\"} 100\n";
    assert_eq!(takes(&[without, &document(110, 3)]), [Ok((13, 3))]);
}

#[test]
fn a_series_that_comes_back_is_not_counted_twice() {
    let without = "requests_total{code=\"200\"} 100\n";
    assert_eq!(takes(&[&document(100, 50), without, &document(100, 51)]), [Ok((0, 0)), Ok((1, 1))]);
}

#[test]
fn what_is_no_counter_is_no_data_and_what_was_before_it_stays() {
    for bad in ["requests_total NaN", "requests_total +Inf", "requests_total -1"] {
        let seen = takes(&[&document(100, 5), bad, &document(110, 6)]);
        assert!(seen[0].is_err(), "{bad}");
        assert_eq!(seen[1], Ok((11, 1)), "{bad}");
    }
    let twice = format!("{}{}", document(1, 1), document(1, 1));
    assert_eq!(takes(&[&twice]), [Err("probe-counters-twice")]);
}

#[test]
fn more_errors_than_requests_wait_for_the_requests() {
    let place = |requests: f64, errors: f64| Reckoning {
        requests: Totals::single(requests),
        errors: Totals::single(errors),
        process_began: None,
    };
    let mut before = place(100.0, 0.0);
    assert_eq!(before.advance(place(101.0, 2.0)).map_err(|why| why.id), Err("probe-counters-nonsense"));
    assert_eq!(before.advance(place(104.0, 2.0)).ok(), Counts::new(4, 2));
}

#[test]
fn requests_that_were_under_way_at_the_first_take_hide_no_outage() {
    // Every request is counted when it begins; it fails, and is counted so, three beats later. Eight begin a beat.
    let (begin, lasts) = (8.0, 3.0);
    let at = |beat: f64| Reckoning {
        requests: Totals::single(1_000.0 + begin * beat),
        errors: Totals::single(begin * (beat + lasts)),
        process_began: None,
    };
    // All that was under way at first ends between the first two takes, and as much is under way ever after.
    let mut before = Reckoning { errors: Totals::single(0.0), ..at(0.0) };
    let seen: Vec<_> = (1..=60).map(|beat| before.advance(at(f64::from(beat))).ok()).collect();
    let first = seen.iter().position(Option::is_some);
    assert_eq!(first, Some(29), "once the surplus of 24 is a tenth of the requests");
    assert!(seen.iter().flatten().all(|counts| counts.errors() == counts.requests()), "{seen:?}");
    assert_eq!(seen[30..], [const { Counts::new(8, 8) }; 30], "and from then on every take counts");
}

#[test]
fn errors_of_something_else_never_become_those_of_the_requests() {
    let at = |beat: u32| Reckoning {
        requests: Totals::single(f64::from(10 * beat)),
        errors: Totals::single(f64::from(13 * beat)),
        process_began: None,
    };
    let mut before = at(0);
    assert!((1..200).all(|beat| before.advance(at(beat)).is_err()));
}

#[test]
fn a_name_that_nobody_knows_is_not_a_service_without_errors() {
    assert_eq!(read("other_total 1\n").err(), Some("probe-counters-no-series"));
    let separate =
        |text: &str| read_exposition(text.as_bytes(), &selector("requests_total"), &selector("errors_total")).is_ok();
    assert!(!separate("requests_total 1\n"));
    assert!(separate("requests_total 1\nerrors_total 0\n"));
    assert!(separate("# TYPE errors counter\nrequests_total 1\n"));
}

#[test]
fn several_processes_behind_one_address_are_noticed() {
    let of = |began: u64, fine: u64| format!("process_start_time_seconds {began}\n{}", document(fine, 0));
    let seen = takes(&[&of(1000, 50), &of(2000, 5), &of(1000, 60)]);
    assert_eq!(seen, [Ok((5, 0)), Err("probe-counters-several")]);
}
