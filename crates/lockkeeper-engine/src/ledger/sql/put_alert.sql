WITH alert AS (
    INSERT INTO lockkeeper.outbox (id, about, kind, payload) VALUES ($1::text::uuid, $2, $3, $4) RETURNING id
), delivered AS (
    INSERT INTO lockkeeper.deliveries (alert_id, sink, due_at)
    SELECT alert.id, s, pg_catalog.clock_timestamp() FROM alert, pg_catalog.unnest($5::text[]) s
)
SELECT id::text FROM alert
