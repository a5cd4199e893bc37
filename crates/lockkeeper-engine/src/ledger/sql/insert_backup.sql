WITH made AS (
    INSERT INTO lockkeeper.backups (kind, began_at, duration_ms, taken_by, program, host, database_oid, release_id,
        location, hook_id, size_bytes, wal_position, server_version, manifest)
    SELECT $1, pg_catalog.to_timestamp($2::bigint / 1000000.0), $3, $4, $5, $6,
        (SELECT d.oid::bigint FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()),
        (SELECT r.id FROM lockkeeper.releases r WHERE r.finished_at IS NULL),
        $7, $8, $9, $10::text::pg_catalog.pg_lsn, $11, $12
    RETURNING id, kind, location, size_bytes, release_id, pg_catalog.encode(manifest, 'hex') AS manifest
)
SELECT made.id, lockkeeper.record_event($4, 'backup_made', made.release_id, json_build_object('backup', made.id,
    'kind', made.kind, 'host', $6, 'location', made.location, 'hook_id', $8, 'size_bytes', made.size_bytes,
    'wal_position', $10, 'manifest', made.manifest, 'output', $13::text)::text)
FROM made
