//! Whether a review of a job on GitHub approves stage 2: by whom it is, and whether it came after the release began to
//! wait for it.

use std::collections::BTreeMap;

use crate::message;
use crate::model::Message;

/// Whose reviews count, of which environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubRule {
    environment: String,
    /// By the login in small letters: GitHub tells no two logins apart by their case.
    principals: BTreeMap<String, String>,
}

impl GithubRule {
    /// `approvers` are logins and who they are. Nobody else may approve.
    pub fn new(environment: String, approvers: impl IntoIterator<Item = (String, String)>) -> Self {
        let principals = approvers.into_iter().map(|(login, who)| (login.to_lowercase(), who)).collect();
        Self { environment, principals }
    }

    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// Who somebody on GitHub is.
    pub fn principal(&self, login: &str) -> Option<&str> {
        self.principals.get(&login.to_lowercase()).map(String::as_str)
    }

    pub fn principals(&self) -> impl Iterator<Item = &str> {
        self.principals.values().map(String::as_str)
    }
}

/// What somebody said of a job that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewState {
    Approved,
    Rejected,
    /// Neither yet.
    Pending,
}

impl ReviewState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Pending => "pending",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Approved, Self::Rejected, Self::Pending].into_iter().find(|state| state.as_str() == name)
    }
}

/// A review of the rule's environment. No time is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubReview {
    pub state: ReviewState,
    pub login: String,
    pub comment: String,
}

/// What the reviews amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GithubVerdict {
    Approved {
        login: String,
        principal: String,
        comment: String,
    },
    /// Why not.
    NotApproved(Message),
}

/// Judges a run's reviews. `before` are those that it had when the release began to wait for this plan: an approval of
/// an earlier job, or of another plan, is none of this one. `objection` says why a principal may not approve.
///
/// GitHub promises no order, so what is new is what is there more often than before.
pub fn judge_reviews(
    rule: &GithubRule,
    reviews: &[GithubReview],
    before: &[GithubReview],
    objection: impl Fn(&str) -> Option<Message>,
) -> GithubVerdict {
    let mut counted = before.to_vec();
    let is_new = |review: &&GithubReview| match counted.iter().position(|old| old == *review) {
        Some(at) => {
            counted.swap_remove(at);
            false
        }
        None => true,
    };
    let new: Vec<&GithubReview> = reviews.iter().filter(is_new).collect();
    let environment = rule.environment();
    if let Some(rejected) = new.iter().find(|review| review.state == ReviewState::Rejected) {
        let login = rejected.login.as_str();
        return GithubVerdict::NotApproved(message!("github-rejected", login = login, environment = environment));
    }
    let mut why = message!("github-none-yet", environment = environment);
    for review in new.iter().filter(|review| review.state == ReviewState::Approved) {
        let login = review.login.as_str();
        why = match rule.principal(login) {
            None => message!("github-unknown-login", login = login),
            Some(principal) => match objection(principal) {
                None => {
                    return GithubVerdict::Approved {
                        login: login.to_owned(),
                        principal: principal.to_owned(),
                        comment: review.comment.clone(),
                    };
                }
                Some(objection) => objection,
            },
        };
    }
    GithubVerdict::NotApproved(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review(state: ReviewState, login: &str, comment: &str) -> GithubReview {
        GithubReview { state, login: login.to_owned(), comment: comment.to_owned() }
    }

    fn judged(reviews: &[GithubReview], before: &[GithubReview]) -> String {
        let approvers = [("Alice", "alice@shop.example"), ("dev", "dev@shop.example")];
        let rule = GithubRule::new("contract".into(), approvers.map(|(login, who)| (login.into(), who.into())));
        let objection =
            |who: &str| (who == "dev@shop.example").then(|| message!("approval-by-author", by = who.to_owned()));
        match judge_reviews(&rule, reviews, before, objection) {
            GithubVerdict::Approved { login, principal, comment } => format!("{login} {principal} {comment}"),
            GithubVerdict::NotApproved(why) => why.id.to_owned(),
        }
    }

    #[test]
    fn only_what_came_later_counts_by_somebody_who_may() {
        use ReviewState::{Approved, Pending, Rejected};
        let ok = || review(Approved, "aLICE", "go");
        let again = || review(Approved, "alice", "again");
        let (by_dev, stranger) = (|| review(Approved, "dev", ""), || review(Approved, "mallory", ""));
        let no = || review(Rejected, "mallory", "no");
        let yes = "aLICE alice@shop.example go";
        for (reviews, before, expected) in [
            (vec![], vec![], "github-none-yet"),
            (vec![ok()], vec![], yes),
            (vec![ok()], vec![ok()], "github-none-yet"),
            // The same words once more are another review.
            (vec![ok(), ok()], vec![ok()], yes),
            // In whatever order they come.
            (vec![again(), ok()], vec![ok()], "alice alice@shop.example again"),
            (vec![ok(), again()], vec![ok()], "alice alice@shop.example again"),
            (vec![review(Pending, "alice", "")], vec![], "github-none-yet"),
            (vec![stranger()], vec![], "github-unknown-login"),
            (vec![review(Approved, "", "")], vec![], "github-unknown-login"),
            (vec![by_dev()], vec![], "approval-by-author"),
            (vec![stranger(), by_dev(), ok()], vec![], yes),
            // One no is enough, whoever says it; an old one says nothing of this plan.
            (vec![ok(), no()], vec![], "github-rejected"),
            (vec![no(), ok()], vec![no()], yes),
            // What is gone makes nothing new.
            (vec![], vec![ok()], "github-none-yet"),
        ] {
            assert_eq!(judged(&reviews, &before), expected, "{reviews:?} after {before:?}");
        }
    }
}
