-- Compare and set. What stage 1 adds needs code of its own, so a confirmed deploy counts no more.
WITH changed AS (
    UPDATE lockkeeper.releases
    SET state = $3,
        finished_at = CASE WHEN $4 THEN pg_catalog.clock_timestamp() END,
        deployed_version = CASE WHEN $5 THEN NULL ELSE deployed_version END,
        deployed_at = CASE WHEN $5 THEN NULL ELSE deployed_at END,
        deployed_by = CASE WHEN $5 THEN NULL ELSE deployed_by END,
        authors = (SELECT coalesce(pg_catalog.array_agg(DISTINCT author), '{}') FROM pg_catalog.unnest(authors || $7) author)
    WHERE id = $1 AND state = $2
    RETURNING id
)
SELECT c.id, lockkeeper.record_event($6, 'release_state', c.id,
    pg_catalog.json_build_object('from', $2, 'to', $3)::text)
FROM changed c
