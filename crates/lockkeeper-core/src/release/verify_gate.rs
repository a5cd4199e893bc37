//! What is asked of a verification before a stage, and whether what was tried answers it.

use std::time::Duration;

use crate::message;
use crate::model::{GateVerdict, Message, Verdict};

/// One migration of the stage, as its files are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub number: String,
    /// What the last trial of exactly these files came to, and how long ago; `None` when they were never tried.
    pub found: Option<(Verdict, Duration)>,
}

/// What the gate goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyInputs {
    /// Every migration that the stage would run.
    pub files: Vec<Tried>,
    /// Whether both orders end in the same schema, by the last of these trials; `None` where that could not be tried.
    pub orders_agree: Option<bool>,
}

impl VerifyInputs {
    /// Verdict, evidence, its age and way out.
    pub(super) fn answer(&self) -> (GateVerdict, Message, Option<Duration>, Option<Message>) {
        let age = self.files.iter().filter_map(|file| file.found.map(|(_, age)| age)).max();
        let way_out = Some(message!("next-verify"));
        let of = |wanted: &dyn Fn(Option<Verdict>) -> bool| {
            let found = self.files.iter().filter(|file| wanted(file.found.map(|(verdict, _)| verdict)));
            found.map(|file| file.number.as_str()).collect::<Vec<_>>().join(", ")
        };
        let unsound = of(&|verdict| verdict == Some(Verdict::Fail));
        if !unsound.is_empty() {
            return (GateVerdict::No, message!("gate-verify-unsound", migrations = unsound), age, way_out);
        }
        let untried = of(&|verdict| verdict.is_none());
        if !untried.is_empty() {
            return (GateVerdict::NotYet, message!("gate-verify-untried", migrations = untried), None, way_out);
        }
        let unsure = of(&|verdict| !verdict.is_some_and(Verdict::judges));
        if !unsure.is_empty() {
            return (GateVerdict::NotYet, message!("gate-verify-unsure", migrations = unsure), age, way_out);
        }
        match self.orders_agree {
            _ if self.files.is_empty() => (GateVerdict::Yes, message!("gate-verified"), None, None),
            Some(true) => (GateVerdict::Yes, message!("gate-verified"), age, None),
            Some(false) => (GateVerdict::No, message!("gate-verify-order"), age, way_out),
            None => (GateVerdict::NotYet, message!("gate-verify-order-unsure"), age, way_out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(found: &[Option<Verdict>], orders_agree: Option<bool>) -> (GateVerdict, &'static str, Option<u64>) {
        let file = |(at, verdict): (u64, &Option<Verdict>)| Tried {
            number: at.to_string(),
            found: verdict.map(|verdict| (verdict, Duration::from_secs(at))),
        };
        let files = (1..).zip(found).map(file).collect();
        let (verdict, evidence, age, way_out) = VerifyInputs { files, orders_agree }.answer();
        assert_eq!(way_out.is_none(), verdict == GateVerdict::Yes);
        (verdict, evidence.id, age.map(|age| age.as_secs()))
    }

    #[test]
    fn only_what_was_tried_as_it_is_and_was_sound_opens() {
        use GateVerdict::{No, NotYet, Yes};
        use Verdict::{Fail, NoData, Pass};
        // The oldest of the trials counts.
        assert_eq!(told(&[Some(Pass), Some(Pass)], Some(true)), (Yes, "gate-verified", Some(2)));
        assert_eq!(told(&[Some(Pass), None], Some(true)), (NotYet, "gate-verify-untried", None));
        assert_eq!(told(&[None, Some(Fail)], Some(true)), (No, "gate-verify-unsound", Some(2)));
        assert_eq!(told(&[Some(NoData)], Some(true)), (NotYet, "gate-verify-unsure", Some(1)));
        assert_eq!(told(&[Some(Pass)], Some(false)), (No, "gate-verify-order", Some(1)));
        assert_eq!(told(&[Some(Pass)], None), (NotYet, "gate-verify-order-unsure", Some(1)));
        assert_eq!(told(&[], None), (Yes, "gate-verified", None));
    }
}
