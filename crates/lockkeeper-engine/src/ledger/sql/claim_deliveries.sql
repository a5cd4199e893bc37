-- Takes what is due, for a while: a process that dies with it leaves it to the next one.
WITH due AS (
    SELECT d.alert_id, d.sink
    FROM lockkeeper.deliveries d
    WHERE d.delivered_at IS NULL AND d.gave_up_at IS NULL AND d.due_at <= pg_catalog.clock_timestamp()
    ORDER BY d.due_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
)
UPDATE lockkeeper.deliveries d
SET attempts = d.attempts + 1, due_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $2)
FROM due, lockkeeper.outbox o
WHERE d.alert_id = due.alert_id AND d.sink = due.sink AND o.id = d.alert_id
RETURNING d.alert_id::text AS id, d.sink, d.attempts, o.about, o.kind, o.payload,
    (extract(epoch FROM o.created_at) * 1000000)::bigint AS created_at
