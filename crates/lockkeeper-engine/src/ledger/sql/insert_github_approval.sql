-- A review approves once: from now on it is one of those that were there before.
WITH counted AS (
    UPDATE lockkeeper.github_waits w SET reviews = $7
    WHERE w.release_id = $1 AND w.plan_digest = $2 AND w.repository = $3 AND w.run_id = $4 AND w.environment = $5
        AND w.reviews = $6
    RETURNING pg_catalog.clock_timestamp() AS at
), approved AS (
    INSERT INTO lockkeeper.github_approvals (release_id, plan_digest, repository, run_id, environment, attempt, login,
        principal, comment, recorded_at, expires_at)
    SELECT $1, $2, $3, $4, $5, $8, $9, $10, $11, c.at, c.at + pg_catalog.make_interval(secs => $12) FROM counted c
    RETURNING *
)
SELECT lockkeeper.record_event($13, 'approved', a.release_id, pg_catalog.json_build_object('stage', 2,
    'plan', a.plan_digest, 'by', a.principal, 'login', a.login, 'reason', a.comment, 'expires_at', a.expires_at,
    'repository', a.repository, 'run_id', a.run_id, 'attempt', a.attempt, 'environment', a.environment)::text)
FROM approved a
