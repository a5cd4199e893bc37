SELECT o.id::text AS id, d.sink, d.attempts, o.about, o.kind, o.payload, o.told,
    (extract(epoch FROM a.opened_at) * 1000000)::bigint AS created_at,
    extract(epoch FROM pg_catalog.clock_timestamp() - a.opened_at)::double precision AS age_s
FROM lockkeeper.open_alerts a
JOIN lockkeeper.outbox o ON o.id = a.alert_id
JOIN lockkeeper.deliveries d ON d.alert_id = o.id AND d.sink = $1 AND d.delivered_at IS NOT NULL
ORDER BY a.opened_at
