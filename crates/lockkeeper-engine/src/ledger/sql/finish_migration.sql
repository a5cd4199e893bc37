-- Every step is done: the migration stands.
WITH finished AS (
    UPDATE lockkeeper.migrations
    SET state = 'applied', applied_at = pg_catalog.clock_timestamp(), duration_ms = $2
    WHERE seq = $1 AND state = 'applying' AND NOT EXISTS (
        SELECT FROM lockkeeper.steps s
        WHERE s.migration_seq = $1 AND s.direction = 'up' AND s.outcome IS DISTINCT FROM 'done')
    RETURNING number, name, stage, seq, release_id, up_checksum
)
SELECT f.seq, lockkeeper.record_event($3, 'migration_applied', f.release_id,
    pg_catalog.json_build_object('number', f.number, 'name', f.name, 'stage', f.stage, 'seq', f.seq,
        'checksum', pg_catalog.encode(f.up_checksum, 'hex'), 'duration_ms', $2)::text)
FROM finished f
