SELECT o.id::text AS id, d.sink, o.kind, o.about, o.payload, d.attempts, d.last_error,
    (extract(epoch FROM o.created_at) * 1000000)::bigint AS created_at,
    (extract(epoch FROM d.due_at) * 1000000)::bigint AS due_at,
    (extract(epoch FROM d.gave_up_at) * 1000000)::bigint AS gave_up_at
FROM lockkeeper.deliveries d
JOIN lockkeeper.outbox o ON o.id = d.alert_id
WHERE d.delivered_at IS NULL
    AND (d.gave_up_at IS NULL OR d.gave_up_at + pg_catalog.make_interval(secs => $1) > pg_catalog.clock_timestamp())
ORDER BY o.created_at, d.sink
