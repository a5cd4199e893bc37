WITH deployed AS (
    UPDATE lockkeeper.releases
    SET deployed_version = $2, deployed_at = pg_catalog.clock_timestamp(), deployed_by = $3
    WHERE id = $1
    RETURNING id
)
SELECT d.id, lockkeeper.record_event($3, 'deployed', d.id, pg_catalog.json_build_object('version', $2)::text)
FROM deployed d
