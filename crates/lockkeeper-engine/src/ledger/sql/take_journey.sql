-- Takes the right to drive a release over from a process that is gone.
UPDATE lockkeeper.journeys
SET term = term + 1, holder = $2, host = $3, pid = $4, seen_at = pg_catalog.clock_timestamp(),
    expires_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $5)
WHERE release_id = $1 AND expires_at <= pg_catalog.clock_timestamp()
RETURNING term
