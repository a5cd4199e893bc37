//! A test that may be asked after every request, whether the rate is above p0.

use statrs::function::beta::{beta_reg, ln_beta};

/// The prior of [`ln_evidence`]: Beta(1, 9), whose mean is 10 %.
const PRIOR: (f64, f64) = (1.0, 9.0);

/// The logarithm of the evidence against "the rate is `p0` at most", from `errors` among `requests`.
///
/// The likelihood ratio, mixed over all rates above `p0` with Beta(1, 9) cut off there. Each part of
/// the mixture is a supermartingale for every rate up to `p0`, so by Ville's inequality it ever
/// reaches 1/α with probability α at most, however often it is asked (S. R. Howard and others, "Time-uniform, nonparametric, nonasymptotic confidence sequences", 2021). Its inverse is a
/// p-value that is always valid.
///
/// Errors and requests need not be whole: tempered counts are fractions. `None` when `p0` is not
/// between 0 and 1, or the numbers are no counts.
pub fn ln_evidence(errors: f64, requests: f64, p0: f64) -> Option<f64> {
    let successes = requests - errors;
    if !(p0 > 0.0 && p0 < 1.0 && errors >= 0.0 && successes >= 0.0 && requests.is_finite()) {
        return None;
    }
    let (a, b) = PRIOR;
    // The mass of Beta(x, y) above p0.
    let above = |x: f64, y: f64| ln_mass(y, x, 1.0 - p0);
    Some(
        ln_beta(a + errors, b + successes) + above(a + errors, b + successes)
            - ln_beta(a, b)
            - above(a, b)
            - errors * p0.ln()
            - successes * (1.0 - p0).ln(),
    )
}

/// The logarithm of the mass of Beta(a, b) up to `x`. Where the mass is too small for a number, the leading term of its series.
fn ln_mass(a: f64, b: f64, x: f64) -> f64 {
    let mass = beta_reg(a, b, x);
    if mass > f64::MIN_POSITIVE {
        mass.ln()
    } else {
        // I_x(a,b) = x^a (1-x)^b / (a B(a,b)) · (1 + Σ …), DLMF 8.17.8: the first terms, which fall
        // fast where the mass is tiny.
        let mut sum = 1.0;
        let mut term = 1.0;
        for n in 0..10_000_u32 {
            let n = f64::from(n);
            term *= (a + b + n) / (a + 1.0 + n) * x;
            sum += term;
            if term < sum * f64::EPSILON {
                break;
            }
        }
        a * x.ln() + b * (1.0 - x).ln() - a.ln() - ln_beta(a, b) + sum.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(p0: f64, vectors: &[(f64, f64, f64)]) {
        for (errors, requests, expected) in vectors {
            let evidence = ln_evidence(*errors, *requests, p0).expect("counts");
            assert!((evidence - expected).abs() < 2e-6, "{errors} of {requests}: {evidence}, not {expected}");
        }
    }

    #[test]
    fn against_five_percent() {
        check(
            0.05,
            &[
                (0.0, 10.0, -0.747_214),
                (1.0, 10.0, 0.0),
                (2.0, 10.0, 1.016_934),
                (3.0, 10.0, 2.342_936),
                (4.0, 4.0, 5.872_000),
                (5.0, 20.0, 3.541_309),
                (10.0, 50.0, 5.912_279),
                (20.0, 100.0, 12.554_487),
                (8.0, 100.0, -0.035_540),
                (500.0, 5000.0, 100.542_613),
            ],
        );
    }

    #[test]
    fn against_one_percent() {
        check(
            0.01,
            &[
                (1.0, 10.0, 1.133_098),
                (2.0, 10.0, 3.602_684),
                (3.0, 10.0, 6.524_653),
                (10.0, 50.0, 19.985_900),
                (8.0, 100.0, 8.775_351),
            ],
        );
    }

    #[test]
    fn long_clean_times_are_finite_evidence_for_health() {
        for requests in [1e4, 1e5, 1e6, 1e7] {
            let evidence = ln_evidence(0.0, requests, 0.05).expect("counts");
            assert!(evidence.is_finite() && evidence < -5.0, "{requests}: {evidence}");
        }
    }

    #[test]
    fn what_is_no_count_is_no_evidence() {
        assert_eq!(ln_evidence(2.0, 1.0, 0.05), None);
        assert_eq!(ln_evidence(1.0, 2.0, 0.0), None);
        assert_eq!(ln_evidence(1.0, 2.0, 1.0), None);
        assert_eq!(ln_evidence(f64::NAN, 2.0, 0.05), None);
    }
}
