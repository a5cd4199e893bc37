UPDATE lockkeeper.steps
SET finished_at = pg_catalog.clock_timestamp(), error = $4,
    outcome = CASE WHEN $4 IS NULL THEN 'done' ELSE 'failed' END
WHERE migration_seq = $1 AND direction = $2 AND ordinal = $3
