INSERT INTO lockkeeper.steps (migration_seq, direction, ordinal, sql, started_at, started_by, finished_at, outcome)
VALUES ($1, $2, $3, $4, pg_catalog.clock_timestamp(), $5,
        CASE WHEN $6 THEN pg_catalog.clock_timestamp() END, CASE WHEN $6 THEN 'done' END)
ON CONFLICT (migration_seq, direction, ordinal) DO UPDATE
SET sql = excluded.sql, started_at = excluded.started_at, started_by = excluded.started_by,
    finished_at = excluded.finished_at, outcome = excluded.outcome, error = NULL
