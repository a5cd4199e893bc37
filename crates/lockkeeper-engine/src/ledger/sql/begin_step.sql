-- The intent. Starting a step again renews it.
UPDATE lockkeeper.steps
SET started_at = pg_catalog.clock_timestamp(), started_by = $4, finished_at = NULL, outcome = NULL, error = NULL
WHERE migration_seq = $1 AND direction = $2 AND ordinal = $3
