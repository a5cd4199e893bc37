UPDATE lockkeeper.watches
SET ended_at = pg_catalog.clock_timestamp(), verdict = $3, next_due_at = NULL
WHERE id = $1 AND term = $2 AND ended_at IS NULL AND (($3 = 'unhealthy') = (breach IS NOT NULL))
RETURNING id
