//! Finds hazards in SQL: one rule per file, findings as data. Pure, like core.
