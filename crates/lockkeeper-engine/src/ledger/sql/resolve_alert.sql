-- Puts an alert down that ends what stands: for all who heard of it, and for those who want it anyway.
WITH closed AS (
    DELETE FROM lockkeeper.open_alerts WHERE about = $2 RETURNING about, first_id
), heard AS (
    SELECT d.sink
    FROM closed
    JOIN lockkeeper.outbox f ON f.id = closed.first_id
    JOIN lockkeeper.outbox o ON o.about = closed.about AND o.created_at >= f.created_at
    JOIN lockkeeper.deliveries d ON d.alert_id = o.id
    UNION
    SELECT s FROM pg_catalog.unnest($5::text[]) s
), alert AS (
    INSERT INTO lockkeeper.outbox (id, about, kind, payload)
    SELECT $1::text::uuid, $2, $3, $4 WHERE EXISTS (SELECT FROM heard)
    RETURNING id
), delivered AS (
    INSERT INTO lockkeeper.deliveries (alert_id, sink, due_at)
    SELECT alert.id, heard.sink, pg_catalog.clock_timestamp() FROM alert, heard
)
SELECT id::text FROM alert
