-- Every row was tried, with its event.
WITH ended AS (
    UPDATE lockkeeper.salvages s
    SET tried_into = $2, kept_because = $3, returned_at = pg_catalog.clock_timestamp(), returned_by = $4,
        rows_returned = $5, rows_gone = $6, rows_kept = $7
    WHERE s.id = $1 AND s.returned_at IS NULL
    RETURNING s.*
)
SELECT lockkeeper.record_event($4, 'values_returned', (SELECT m.release_id FROM lockkeeper.migrations m WHERE m.seq = $2),
    pg_catalog.json_build_object('seq', e.migration_seq, 'into', $2::bigint, 'schema', e.schema_name, 'table', e.table_name,
        'kept_in', e.kept_in, 'returned', $5::bigint, 'gone', $6::bigint, 'kept', $7::bigint)::text)
FROM ended e
