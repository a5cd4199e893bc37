//! Trying a migration on tables that hold something: which rows and values survive it, and its way back.

use std::collections::BTreeSet;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem, Stage};
use lockkeeper_core::plan::{PlannedMigration, Step};
use lockkeeper_core::sample::{Loss, TableContent, changed_values, losses};

use super::given::{GivenRows, without_values};
use super::shadow::Scratch;
use crate::ledger::problem;
use crate::postgres::{SampleTable, SqlError, contents, fill, sample_tables};

/// Between two fillings, so that no row is like another one.
const ROW_NUMBERS: u64 = 100;

/// What became of the rows.
#[derive(Debug, Default)]
pub struct RowsTrial {
    /// Tables that no row could be made for.
    pub not_filled: Vec<String>,
    /// What the up destroys.
    pub by_up: Vec<Loss>,
    /// Columns whose values the up changes.
    pub changed: Vec<(String, String)>,
    /// What the down destroys of what came with the up.
    pub by_down: Vec<Loss>,
    /// What was there before the up, and what the down destroys of it.
    pub lost: Vec<Loss>,
    /// What fails where there are rows, and so was not tried on any.
    pub failed: Option<Box<Problem>>,
    /// Whether the rows were given, and not made up.
    pub are_given: bool,
}

impl RowsTrial {
    /// Whether there are rows that it does not run on, and somebody has them.
    pub const fn fails_on_given(&self) -> bool {
        self.are_given && self.failed.is_some()
    }

    /// Whether rows are gone that nobody meant to remove.
    pub fn breaks_promise(&self, stage: Stage) -> bool {
        !self.lost.is_empty() || (stage == Stage::Expand && !self.by_up.is_empty())
    }
}

/// A database with rows in it.
pub struct Filled {
    pub scratch: Scratch,
    /// The number of the next row.
    pub next: u64,
    /// Tables that have rows.
    has_rows: BTreeSet<u32>,
    /// What to fill tables with, instead of rows that are made up.
    pub given: Option<GivenRows>,
}

impl Filled {
    pub const fn new(scratch: Scratch, given: Option<GivenRows>) -> Self {
        Self { scratch, next: 0, has_rows: BTreeSet::new(), given }
    }

    /// Tries a migration on rows, and where there is a way back, that too. The tables are those that it can reach.
    /// Whether the database is what the up alone makes of it.
    pub async fn trial(
        &mut self,
        migration: &PlannedMigration,
        up: &[Step],
        down: Option<&[Step]>,
        names: &[String],
    ) -> Answer<(RowsTrial, bool)> {
        let (mut trial, is_clean) = self.tried(migration, up, down, names).await?;
        trial.are_given = self.given.is_some();
        if trial.are_given {
            trial.failed = trial.failed.as_deref().map(without_values);
        }
        Ok((trial, is_clean))
    }

    async fn tried(
        &mut self,
        migration: &PlannedMigration,
        up: &[Step],
        down: Option<&[Step]>,
        names: &[String],
    ) -> Answer<(RowsTrial, bool)> {
        let mut trial = RowsTrial::default();
        let before = self.tables(names, &[]).await?;
        let empty: Vec<&SampleTable> = self.without_rows(&before).await?;
        self.fill(&empty).await?;
        let held = self.contents(&before).await?;
        for table in &held {
            if table.rows > 0 {
                self.has_rows.insert(table.oid)
            } else {
                self.has_rows.remove(&table.oid)
            };
        }
        trial.not_filled = held.iter().filter(|it| it.rows == 0).map(|it| it.name.clone()).collect();
        if let Err(problem) = self.scratch.run(&migration.up, up, None, &message!("verify-up-rows")).await {
            trial.failed = Some(problem);
            return Ok((trial, false));
        }
        let after = self.tables(names, &before).await?;
        let held_after = self.contents(&after).await?;
        trial.by_up = losses(&held, &held_after);
        trial.changed = changed_values(&held, &held_after);
        let Some(down) = down else { return Ok((trial, true)) };
        let is_new = |table: &&SampleTable| {
            let known = before.iter().find(|it| it.oid == table.oid);
            known.is_none_or(|known| table.numbers().any(|number| !known.has(number)))
        };
        let mut new: Vec<&SampleTable> = after.iter().filter(is_new).collect();
        if self.given.is_some() {
            // A dump's rows come once: what holds some has all of them.
            let empty = self.without_rows(&after).await?;
            new.retain(|table| empty.iter().any(|it| it.oid == table.oid));
        }
        self.fill(&new).await?;
        let held_up = if new.is_empty() { held_after } else { self.contents(&after).await? };
        if self.given.is_some() {
            let empty = |it: &&TableContent| it.rows == 0 && new.iter().any(|new| new.oid == it.oid);
            trial.not_filled.extend(held_up.iter().filter(empty).map(|it| it.name.clone()));
        }
        if let Err(problem) = self.scratch.run(&migration.down, down, None, &message!("verify-down-rows")).await {
            trial.failed = Some(problem);
            return Ok((trial, false));
        }
        let back = self.tables(names, &after).await?;
        let held_back = self.contents(&back).await?;
        for loss in losses(&held_up, &held_back) {
            match lost_of(&loss, &held, &held_back) {
                Some(lost) => trial.lost.push(lost),
                None => trial.by_down.push(loss),
            }
        }
        if let Err(problem) = self.scratch.run(&migration.up, up, None, &message!("verify-up-again-rows")).await {
            trial.failed = Some(problem);
            return Ok((trial, false));
        }
        Ok((trial, true))
    }

    /// On another database, where no table has rows.
    pub const fn renewed(next: u64, scratch: Scratch, given: Option<GivenRows>) -> Self {
        Self { scratch, next, has_rows: BTreeSet::new(), given }
    }

    async fn tables(&self, names: &[String], known: &[SampleTable]) -> Answer<Vec<SampleTable>> {
        let oids: Vec<u32> = known.iter().map(|it| it.oid).collect();
        let filled: Vec<u32> = self.has_rows.iter().copied().collect();
        sample_tables(&self.scratch.connection, names, &oids, &filled).await.map_err(|error| trouble(&error))
    }

    async fn contents(&self, tables: &[SampleTable]) -> Answer<Vec<TableContent>> {
        contents(&self.scratch.connection, tables).await.map_err(|error| trouble(&error))
    }

    async fn without_rows<'t>(&self, tables: &'t [SampleTable]) -> Answer<Vec<&'t SampleTable>> {
        let held = self.contents(tables).await?;
        let empty: BTreeSet<u32> = held.iter().filter(|it| it.rows == 0).map(|it| it.oid).collect();
        Ok(tables.iter().filter(|table| empty.contains(&table.oid)).collect())
    }

    async fn fill(&mut self, tables: &[&SampleTable]) -> Answer<()> {
        if tables.is_empty() {
            return Ok(());
        }
        if let Some(given) = &mut self.given {
            return given.fill(&self.scratch.connection, tables).await.map_err(|error| trouble(&error));
        }
        fill(&self.scratch.connection, tables, self.next).await.map_err(|error| trouble(&error))?;
        self.next += ROW_NUMBERS;
        Ok(())
    }
}

/// What a loss took of what was there before the up; rows that were put in after it are not among that.
fn lost_of(loss: &Loss, before: &[TableContent], now: &[TableContent]) -> Option<Loss> {
    let table = before.iter().find(|it| it.oid == loss.oid)?;
    let now = now.iter().find(|it| it.oid == loss.oid);
    let (had, has) = match loss.number {
        None => (table.rows, now.map_or(0, |it| it.rows)),
        Some(number) => {
            let column = table.columns.iter().find(|it| it.number == number)?;
            let now = now.into_iter().flat_map(|it| &it.columns).find(|it| it.number == number);
            (column.values, now.map_or(0, |it| it.values))
        }
    };
    let count = had.checked_sub(has).filter(|count| *count > 0)?;
    Some(Loss { count, ..loss.clone() })
}

fn trouble(error: &SqlError) -> Box<Problem> {
    problem(error, message!("verify-no-rows"))
}
