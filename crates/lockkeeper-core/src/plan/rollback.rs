//! Which migrations a rollback undoes, in which order, and when it must not.

use super::applied::{AppliedMigration, AppliedSeq};
use crate::message;
use crate::model::{PointName, Problem, Stage};

/// What a rollback to a point would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackPlan {
    /// The last applied first.
    pub undo: Vec<Undo>,
}

/// One migration to undo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    pub migration: AppliedMigration,
}

/// Plans the way back to a point. A stage-2 migration on the way stops it, unless told to pass:
/// what stage 2 removed does not come back by running its down script.
pub fn plan_rollback(
    point: &PointName,
    after: AppliedSeq,
    applied: &[AppliedMigration],
    past_stage2: bool,
) -> Result<RollbackPlan, Box<Problem>> {
    let mut undo: Vec<_> = applied.iter().filter(|migration| migration.seq > after).cloned().collect();
    undo.sort_by_key(|migration| std::cmp::Reverse(migration.seq));
    let contracted: Vec<_> = undo.iter().filter(|migration| migration.stage == Stage::Contract).collect();
    if !contracted.is_empty() && !past_stage2 {
        let names: Vec<_> = contracted.iter().map(|it| format!("{} {}", it.number, it.name)).collect();
        return Err(Problem::refused(message!(
            "rollback-past-stage2",
            point = point.as_str(),
            migrations = names.join(", ")
        ))
        .note(message!("rollback-past-stage2-why"))
        .hint(message!("rollback-past-stage2-forward-hint"))
        .hint(message!("rollback-past-stage2-backup-hint"))
        .hint(message!("rollback-past-stage2-flag-hint", point = point.as_str())));
    }
    Ok(RollbackPlan { undo: undo.into_iter().map(|migration| Undo { migration }).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Checksum, MigrationName, MigrationNumber};

    fn applied(stages: &[Stage]) -> Vec<AppliedMigration> {
        (1..)
            .zip(stages)
            .map(|(seq, stage)| {
                let name = MigrationName::new("m").unwrap();
                AppliedMigration {
                    seq: AppliedSeq(seq),
                    number: MigrationNumber::parse(&seq.to_string()).unwrap(),
                    kind: name.kind(),
                    name,
                    stage: *stage,
                    up_checksum: Checksum::of(b""),
                    down_checksum: Checksum::of(b""),
                    complete: true,
                }
            })
            .collect()
    }

    #[test]
    fn undoes_in_reverse_and_stops_at_stage_2() {
        let point = PointName::new("p").unwrap();
        let one = applied(&[Stage::Expand, Stage::Expand, Stage::Expand]);
        let plan = plan_rollback(&point, AppliedSeq(1), &one, false).unwrap();
        assert_eq!(plan.undo.iter().map(|undo| undo.migration.seq.0).collect::<Vec<_>>(), [3, 2]);

        let two = applied(&[Stage::Expand, Stage::Contract, Stage::Expand]);
        assert!(plan_rollback(&point, AppliedSeq(2), &two, false).is_ok());
        let refusal = plan_rollback(&point, AppliedSeq(0), &two, false).unwrap_err();
        assert_eq!(refusal.message.id, "rollback-past-stage2");
        assert_eq!(plan_rollback(&point, AppliedSeq(0), &two, true).unwrap().undo.len(), 3);
    }
}
