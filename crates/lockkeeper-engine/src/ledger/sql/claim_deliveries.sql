-- Takes what is due, for a while: a process that dies with it leaves it to the next one. An alert waits for the one
-- before it about the same, so that no end overtakes its beginning.
WITH due AS (
    SELECT d.alert_id, d.sink
    FROM lockkeeper.deliveries d
    JOIN lockkeeper.outbox o ON o.id = d.alert_id
    WHERE d.delivered_at IS NULL AND d.gave_up_at IS NULL AND d.due_at <= pg_catalog.clock_timestamp()
        AND d.sink = ANY ($3::text[])
        AND NOT EXISTS (
            SELECT
            FROM lockkeeper.outbox earlier
            JOIN lockkeeper.deliveries e ON e.alert_id = earlier.id
            WHERE earlier.about = o.about AND e.sink = d.sink
                AND (earlier.created_at, earlier.id) < (o.created_at, o.id)
                AND e.delivered_at IS NULL AND e.gave_up_at IS NULL
        )
    ORDER BY o.created_at, o.id
    LIMIT $1
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE lockkeeper.deliveries d
SET attempts = d.attempts + 1, due_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $2)
FROM due, lockkeeper.outbox o
WHERE d.alert_id = due.alert_id AND d.sink = due.sink AND o.id = d.alert_id
RETURNING d.alert_id::text AS id, d.sink, d.attempts, o.about, o.kind, o.payload, o.told,
    (extract(epoch FROM o.created_at) * 1000000)::bigint AS created_at,
    extract(epoch FROM pg_catalog.clock_timestamp() - o.created_at)::double precision AS age_s
