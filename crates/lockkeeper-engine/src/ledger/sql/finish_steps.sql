-- How steps ended; those that a transaction did begin and end in it. Of one whose end was only found out, nobody
-- knows how long it took ($7).
UPDATE lockkeeper.steps
SET started_at = coalesce(started_at, pg_catalog.now()), started_by = coalesce(started_by, $4),
    finished_at = pg_catalog.clock_timestamp(), outcome = $5, error = $6,
    work = CASE WHEN NOT $7 THEN work END, work_bytes = CASE WHEN NOT $7 THEN work_bytes END
WHERE migration_seq = $1 AND direction = $2 AND ordinal = ANY ($3::int[])
