-- Renews the term and says what the watch stands at. No row means that another process has taken the watch, which
-- begins another term: one that ran out while the database was away, and that nobody took, is still ours.
UPDATE lockkeeper.watches
SET seen_at = pg_catalog.clock_timestamp(),
    expires_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $3),
    next_due_at = 'epoch'::timestamptz + $4 * interval '1 microsecond',
    breach = coalesce(breach, $5),
    incidents = $6
WHERE id = $1 AND term = $2 AND ended_at IS NULL
RETURNING id
