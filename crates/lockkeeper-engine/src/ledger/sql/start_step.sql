INSERT INTO lockkeeper.steps (migration_seq, direction, ordinal, sql, started_at, started_by)
VALUES ($1, $2, $3, $4, pg_catalog.clock_timestamp(), $5)
ON CONFLICT (migration_seq, direction, ordinal) DO UPDATE
SET sql = excluded.sql, started_at = excluded.started_at, started_by = excluded.started_by,
    finished_at = NULL, outcome = NULL, error = NULL
