-- The newest one of the open release. A stage 2 that has begun uses one up.
SELECT a.used_at IS NOT NULL AS is_used, a.release_id, a.plan_digest, a.login, a.principal, a.comment, a.repository,
       a.run_id, a.environment, (extract(epoch FROM a.recorded_at) * 1000000)::bigint AS recorded_at,
       (extract(epoch FROM a.expires_at) * 1000000)::bigint AS expires_at
FROM lockkeeper.github_approvals a JOIN lockkeeper.releases r ON r.id = a.release_id
WHERE r.finished_at IS NULL ORDER BY a.id DESC LIMIT 1
