-- Puts down a reminder of everything that stands and was last told of long ago, for those who were told of it, as long
-- as it is not older than what reminders are for.
WITH due AS (
    SELECT a.about, a.alert_id, a.first_id, pg_catalog.gen_random_uuid() AS id
    FROM lockkeeper.open_alerts a
    WHERE a.told_at + pg_catalog.make_interval(secs => CASE WHEN a.kind = $3 THEN $4 ELSE $1 END)
            <= pg_catalog.clock_timestamp()
        AND a.opened_at + pg_catalog.make_interval(secs => $2) > pg_catalog.clock_timestamp()
    FOR UPDATE SKIP LOCKED
), reminded AS (
    UPDATE lockkeeper.open_alerts a
    SET alert_id = due.id, told_at = pg_catalog.clock_timestamp(), told = a.told + 1
    FROM due WHERE a.about = due.about
    RETURNING a.about, a.told
), alert AS (
    INSERT INTO lockkeeper.outbox (id, about, kind, payload, told)
    SELECT due.id, o.about, o.kind, o.payload, reminded.told
    FROM due JOIN reminded USING (about) JOIN lockkeeper.outbox o ON o.id = due.alert_id
    RETURNING id
), delivered AS (
    INSERT INTO lockkeeper.deliveries (alert_id, sink, due_at)
    -- Once for each receiver, however many alerts about the same it got: the clock tells each row another time.
    SELECT heard.id, heard.sink, pg_catalog.clock_timestamp()
    FROM (
        SELECT DISTINCT due.id, d.sink
        FROM due
        JOIN lockkeeper.outbox f ON f.id = due.first_id
        JOIN lockkeeper.outbox o ON o.about = due.about AND o.created_at >= f.created_at
        JOIN lockkeeper.deliveries d ON d.alert_id = o.id
    ) heard
)
SELECT pg_catalog.count(*) FROM alert
