//! How far a share of errors that was seen may be from the true one.
//!
//! For display, and for the bound of an earlier baseline. Never the trigger of a repeated check:
//! asked every 30 s for an hour, a 99 % bound is wrong in 8 of 100 healthy hours.

use statrs::function::beta::beta_reg;

use super::counts::Counts;

/// The exact lower bound of Clopper and Pearson (Biometrika 26, 1934): the true share is below it
/// with probability `alpha` at most. 0 without requests.
pub fn share_low(counts: Counts, alpha: f64) -> f64 {
    let (requests, errors) = counts.as_numbers();
    if errors <= 0.0 {
        return 0.0;
    }
    quantile(errors, requests - errors + 1.0, alpha).unwrap_or(0.0)
}

/// The exact upper bound of Clopper and Pearson: the true share is above it with probability `alpha`
/// at most. 1 without requests.
pub fn share_high(counts: Counts, alpha: f64) -> f64 {
    let (requests, errors) = counts.as_numbers();
    if errors >= requests {
        return 1.0;
    }
    quantile(errors + 1.0, requests - errors, 1.0 - alpha).unwrap_or(1.0)
}

/// The place below which Beta(a, b) has this much of its mass, by bisection: some fifty steps, and no
/// argument is too extreme for it.
fn quantile(a: f64, b: f64, mass: f64) -> Option<f64> {
    if !(a > 0.0 && b > 0.0 && (0.0..=1.0).contains(&mass)) {
        return None;
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    while high - low > f64::EPSILON {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if beta_reg(a, b, middle) < mass {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(requests: u64, errors: u64) -> Counts {
        Counts::new(requests, errors).expect("errors are requests")
    }

    /// The most requests among which so many errors show more than 5 % at 99 % confidence.
    #[test]
    fn the_lower_bound_passes_five_percent_where_the_tables_say_so() {
        for (errors, requests_max) in [(2, 3), (3, 9), (4, 17), (5, 26), (6, 37), (7, 48)] {
            assert!(share_low(counts(requests_max, errors), 0.01) > 0.05, "{errors} in {requests_max}");
            assert!(share_low(counts(requests_max + 1, errors), 0.01) <= 0.05, "{errors} in one more");
        }
    }

    #[test]
    fn clean_requests_bound_the_share_from_above() {
        assert!(share_high(counts(59, 0), 0.05) < 0.05);
        assert!(share_high(counts(58, 0), 0.05) > 0.05);
        assert!(share_high(counts(90, 0), 0.01) < 0.05);
        assert!(share_high(counts(89, 0), 0.01) > 0.05);
        assert!(share_high(counts(299, 0), 0.05) < 0.01);
        assert!(share_high(counts(298, 0), 0.05) > 0.01);
    }

    #[test]
    fn without_requests_everything_is_possible() {
        assert!(share_low(Counts::NONE, 0.01) <= 0.0);
        assert!(share_high(Counts::NONE, 0.01) >= 1.0);
        assert!(share_high(counts(10, 10), 0.01) >= 1.0);
    }

    #[test]
    fn it_holds_for_many_requests() {
        let (low, high) = (share_low(counts(10_000_000, 200_000), 0.01), share_high(counts(10_000_000, 200_000), 0.01));
        assert!((0.0198..0.02).contains(&low), "{low}");
        assert!((0.02..0.0202).contains(&high), "{high}");
    }
}
