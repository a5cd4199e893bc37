-- The intent. Starting a step again renews it; how long it takes then tells nothing of the whole.
UPDATE lockkeeper.steps
SET started_at = pg_catalog.clock_timestamp(), started_by = $4, finished_at = NULL, outcome = NULL, error = NULL,
    work = CASE WHEN started_at IS NULL THEN work END, work_bytes = CASE WHEN started_at IS NULL THEN work_bytes END
WHERE migration_seq = $1 AND direction = $2 AND ordinal = $3
