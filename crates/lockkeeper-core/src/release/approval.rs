//! The text that an approval signs: everything that is being approved, in words a person can read.

use jiff::Timestamp;

use crate::model::PlanDigest;

/// What an admin signs. The text form is canonical: a text that does not read back to itself is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalDocument {
    pub database: String,
    pub ledger_id: String,
    pub release_id: i64,
    pub plan: PlanDigest,
    pub approver: String,
    pub expires_at: Timestamp,
    pub reason: String,
}

const TITLE: &str = "lockkeeper approval v1";

impl ApprovalDocument {
    /// The canonical text, one field a line, with a final newline. Line ends inside a field become spaces.
    pub fn to_text(&self) -> String {
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        format!(
            "{TITLE}\nstage: 2\ndatabase: {}\nledger: {}\nrelease: {}\nplan: {}\napprover: {}\nexpires: {}\nreason: {}\n",
            line(&self.database),
            line(&self.ledger_id),
            self.release_id,
            self.plan,
            line(&self.approver),
            self.expires_at,
            line(&self.reason),
        )
    }

    /// Reads the canonical text back; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut field = |name: &str| lines.next()?.strip_prefix(name).map(str::to_owned);
        field(TITLE).filter(String::is_empty)?;
        field("stage: 2").filter(String::is_empty)?;
        let document = Self {
            database: field("database: ")?,
            ledger_id: field("ledger: ")?,
            release_id: field("release: ")?.parse().ok()?,
            plan: PlanDigest::parse(&field("plan: ")?)?,
            approver: field("approver: ")?,
            expires_at: field("expires: ")?.parse().ok()?,
            reason: field("reason: ")?,
        };
        (document.to_text() == text).then_some(document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> ApprovalDocument {
        ApprovalDocument {
            database: "shop".into(),
            ledger_id: "4f0c0a3e-0000-4000-8000-000000000000".into(),
            release_id: 3,
            plan: PlanDigest::of("plan"),
            approver: "admin@example.org".into(),
            expires_at: Timestamp::from_second(1_795_435_200).unwrap(),
            reason: "all pods on 3.0".into(),
        }
    }

    #[test]
    fn reads_back_to_itself() {
        let text = document().to_text();
        assert_eq!(ApprovalDocument::parse(&text), Some(document()));
    }

    #[test]
    fn no_field_can_smuggle_in_another() {
        let sly = ApprovalDocument { reason: "x\nplan: sha256:0".into(), ..document() };
        assert_eq!(ApprovalDocument::parse(&sly.to_text()).unwrap().reason, "x plan: sha256:0");
        let text = document().to_text();
        for other in
            [text.replace("stage: 2", "stage: 1"), format!("{text}more\n"), text.replace('\n', "\r\n"), String::new()]
        {
            assert_eq!(ApprovalDocument::parse(&other), None, "{other}");
        }
    }
}
