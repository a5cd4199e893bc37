//! Finds hazards in SQL: one rule per file, findings as data. Pure, like core.

pub mod report;
pub mod rule;
pub mod rules;
pub mod check;
pub mod fix;
