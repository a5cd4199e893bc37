INSERT INTO lockkeeper.release_tasks AS t (release_id, task, key, attempts, first_at, started_at, started_by)
VALUES ($1, $2, $3::text::uuid, 1, pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp(), $4)
ON CONFLICT (release_id, task) DO UPDATE
SET attempts = t.attempts + 1, started_at = excluded.started_at, started_by = excluded.started_by,
    finished_at = NULL, outcome = NULL, evidence = NULL
RETURNING t.key::text AS key, t.attempts
