-- How steps ended; those that a transaction did begin and end in it.
UPDATE lockkeeper.steps
SET started_at = coalesce(started_at, pg_catalog.now()), started_by = coalesce(started_by, $4),
    finished_at = pg_catalog.clock_timestamp(), outcome = $5, error = $6
WHERE migration_seq = $1 AND direction = $2 AND ordinal = ANY ($3::int[])
