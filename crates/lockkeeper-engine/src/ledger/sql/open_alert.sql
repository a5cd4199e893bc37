-- Puts an alert down about what stands from now on, unless the same is known and it is not yet time for a reminder.
WITH opened AS (
    INSERT INTO lockkeeper.open_alerts AS a (about, kind, first_id, alert_id, opened_at, told_at, told)
    SELECT $2, $3, $1::text::uuid, $1::text::uuid, t, t, 1 FROM pg_catalog.clock_timestamp() t
    ON CONFLICT (about) DO UPDATE
    SET kind = excluded.kind, alert_id = excluded.alert_id, told_at = greatest(excluded.told_at, a.opened_at),
        told = CASE WHEN a.kind = excluded.kind THEN a.told + 1 ELSE 1 END
    WHERE a.kind <> excluded.kind OR a.told_at + pg_catalog.make_interval(secs => $6) <= excluded.told_at
    RETURNING told
), alert AS (
    INSERT INTO lockkeeper.outbox (id, about, kind, payload, told)
    SELECT $1::text::uuid, $2, $3, $4, opened.told FROM opened
    RETURNING id
), delivered AS (
    INSERT INTO lockkeeper.deliveries (alert_id, sink, due_at)
    SELECT alert.id, s, pg_catalog.clock_timestamp() FROM alert, pg_catalog.unnest($5::text[]) s
)
SELECT id::text FROM alert
