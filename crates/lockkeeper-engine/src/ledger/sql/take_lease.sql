-- Takes the lease when nobody holds it. Changing the key waits for a transaction that locked the old term.
UPDATE lockkeeper.lease
SET term = term + 1, holder = $1, host = $2, pid = $3, doing = $4,
    acquired_at = pg_catalog.clock_timestamp(),
    expires_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $5)
WHERE expires_at <= pg_catalog.clock_timestamp()
RETURNING term, (SELECT i.ledger_id::text FROM lockkeeper.identity i)
