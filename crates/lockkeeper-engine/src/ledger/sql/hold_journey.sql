-- Proves that the term is still ours, and renews it. The row stays locked until the transaction ends, so that nobody
-- takes it over in between.
UPDATE lockkeeper.journeys
SET seen_at = pg_catalog.clock_timestamp(),
    expires_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $3)
WHERE release_id = $1 AND term = $2 AND expires_at > pg_catalog.clock_timestamp()
RETURNING term
