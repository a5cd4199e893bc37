-- Nothing of it has a place in the migration as it is now; another one may have. With its event.
WITH kept AS (
    UPDATE lockkeeper.salvages s SET tried_into = $2, kept_because = $3
    WHERE s.id = $1 AND s.returned_at IS NULL RETURNING s.*
)
SELECT lockkeeper.record_event($4, 'values_kept', (SELECT m.release_id FROM lockkeeper.migrations m WHERE m.seq = $2),
    pg_catalog.json_build_object('seq', k.migration_seq, 'into', $2::bigint, 'schema', k.schema_name, 'table', k.table_name,
        'kept_in', k.kept_in, 'because', $3::text)::text)
FROM kept k
