//! The text that an approval signs: everything that is being approved, in words a person can read.

use jiff::Timestamp;

use crate::model::{Gate, PlanDigest};

/// What an admin signs. The text form is canonical: a text that does not read back to itself is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalDocument {
    pub database: String,
    pub ledger_id: String,
    pub release_id: i64,
    pub plan: PlanDigest,
    pub approver: String,
    /// Gates that are opened without what they ask for, in their order.
    pub waives: Vec<Gate>,
    pub expires_at: Timestamp,
    pub reason: String,
}

const TITLE: &str = "lockkeeper approval v1";

impl ApprovalDocument {
    /// The canonical text, one field a line, with a final newline. Line ends inside a field become spaces.
    pub fn to_text(&self) -> String {
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        // Most waive nothing, and read as they always did.
        let waives = match self.waives.as_slice() {
            [] => String::new(),
            gates => format!("waives: {}\n", gates.iter().map(|gate| gate.as_str()).collect::<Vec<_>>().join(", ")),
        };
        format!(
            "{TITLE}\nstage: 2\ndatabase: {}\nledger: {}\nrelease: {}\nplan: {}\napprover: {}\n{waives}expires: {}\nreason: {}\n",
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
        let mut lines = text.lines().peekable();
        let waives = |lines: &mut std::iter::Peekable<std::str::Lines<'_>>| {
            let Some(names) = lines.peek().and_then(|line| line.strip_prefix("waives: ")) else {
                return Some(Vec::new());
            };
            let gates = names.split(", ").map(Gate::from_name).collect::<Option<Vec<_>>>()?;
            lines.next();
            gates.iter().all(|gate| gate.is_waivable()).then_some(gates)
        };
        let field = |lines: &mut std::iter::Peekable<std::str::Lines<'_>>, name: &str| {
            lines.next()?.strip_prefix(name).map(str::to_owned)
        };
        field(&mut lines, TITLE).filter(String::is_empty)?;
        field(&mut lines, "stage: 2").filter(String::is_empty)?;
        let document = Self {
            database: field(&mut lines, "database: ")?,
            ledger_id: field(&mut lines, "ledger: ")?,
            release_id: field(&mut lines, "release: ")?.parse().ok()?,
            plan: PlanDigest::parse(&field(&mut lines, "plan: ")?)?,
            approver: field(&mut lines, "approver: ")?,
            waives: waives(&mut lines)?,
            expires_at: field(&mut lines, "expires: ")?.parse().ok()?,
            reason: field(&mut lines, "reason: ")?,
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
            waives: Vec::new(),
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
    fn a_waiver_is_a_line_of_its_own_and_only_of_what_may_be_waived() {
        assert!(!document().to_text().contains("waives"));
        let waiving = ApprovalDocument { waives: vec![Gate::Verify, Gate::Health], ..document() };
        let text = waiving.to_text();
        assert!(text.contains("\nwaives: verify, health\n"), "{text}");
        assert_eq!(ApprovalDocument::parse(&text), Some(waiving));
        for gates in ["approval", "stage1_complete", "verify, approval", "weather", ""] {
            let other = text.replace("verify, health", gates);
            assert_eq!(ApprovalDocument::parse(&other), None, "{other}");
        }
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
