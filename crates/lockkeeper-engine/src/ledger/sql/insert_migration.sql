-- One row and its event, only while the transaction is still the one that BEGIN opened.
WITH inserted AS (
    INSERT INTO lockkeeper.migrations (number, name, kind, stage, stage_because, up_path, up_checksum, down_path,
        down_checksum, down_sql, release_id, applied_by, duration_ms, state, started_at, applied_at)
    SELECT $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
           CASE WHEN $14 IS NULL THEN 'applying' ELSE 'applied' END,
           pg_catalog.now(),
           CASE WHEN $14 IS NOT NULL THEN pg_catalog.clock_timestamp() END
    WHERE pg_catalog.pg_current_xact_id()::text = $1
    RETURNING seq
)
SELECT i.seq, lockkeeper.record_event($13,
    CASE WHEN $14 IS NULL THEN 'migration_started' ELSE 'migration_applied' END, $12,
    pg_catalog.json_build_object('number', $2, 'name', $3, 'stage', $5, 'seq', i.seq,
        'checksum', pg_catalog.encode($8, 'hex'), 'duration_ms', $14)::text)
FROM inserted i
