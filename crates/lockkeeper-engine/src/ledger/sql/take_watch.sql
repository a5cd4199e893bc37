-- Begins a watch, or takes over the one that is open when nobody holds it any more.
INSERT INTO lockkeeper.watches AS w (release_id, began_at, rules, term, holder, host, pid, seen_at, expires_at)
VALUES ($1, pg_catalog.clock_timestamp(), $2, 1, $3, $4, $5, pg_catalog.clock_timestamp(),
        pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $6))
ON CONFLICT ((coalesce(release_id, 0))) WHERE ended_at IS NULL DO UPDATE
SET term = w.term + 1, rules = excluded.rules, holder = excluded.holder, host = excluded.host, pid = excluded.pid,
    seen_at = excluded.seen_at, expires_at = excluded.expires_at
WHERE w.expires_at <= pg_catalog.clock_timestamp()
RETURNING w.id, w.term, (extract(epoch FROM w.began_at) * 1000000)::bigint AS began_at, w.breach, w.incidents
