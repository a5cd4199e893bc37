-- What finished steps took. One that shares a transaction has no time of its own.
SELECT work_bytes, (extract(epoch FROM finished_at - started_at) * 1000)::bigint AS took_ms
FROM lockkeeper.steps
WHERE outcome = 'done' AND run <> 'joined' AND work = $1 AND work_bytes >= $2
ORDER BY finished_at DESC LIMIT $3
