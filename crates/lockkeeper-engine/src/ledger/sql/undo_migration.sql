-- One row and its event, only while the transaction is still the one that BEGIN opened.
WITH undone AS (
    UPDATE lockkeeper.migrations
    SET state = 'rolled_back', rolled_back_at = pg_catalog.clock_timestamp(), rolled_back_by = $2
    WHERE seq = $1 AND state <> 'rolled_back' AND pg_catalog.pg_current_xact_id()::text = $4
    RETURNING number, name, stage, seq, release_id
)
SELECT u.seq, lockkeeper.record_event($2, 'migration_rolled_back', u.release_id,
    pg_catalog.json_build_object('number', u.number, 'name', u.name, 'stage', u.stage, 'seq', u.seq,
        'reason', $3::text, 'salvaged', (
            SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('schema', s.schema_name, 'table', s.table_name,
                'rows', s.row_count, 'kept_in', s.kept_in) ORDER BY s.place), '[]')
            FROM lockkeeper.salvages s WHERE s.migration_seq = u.seq))::text)
FROM undone u
