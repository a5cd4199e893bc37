SELECT t.task, t.key::text AS key, t.attempts, t.outcome, t.evidence, t.started_by,
       (extract(epoch FROM t.first_at) * 1000000)::bigint AS first_at,
       (extract(epoch FROM t.started_at) * 1000000)::bigint AS started_at,
       (extract(epoch FROM t.finished_at) * 1000000)::bigint AS finished_at
FROM lockkeeper.release_tasks t WHERE t.release_id = $1 ORDER BY t.first_at, t.started_at
