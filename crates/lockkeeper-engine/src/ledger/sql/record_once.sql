-- Logs an observation, unless it was logged before its delivery was cut off.
WITH first AS (
    INSERT INTO lockkeeper.observations (id) VALUES ($1::text::uuid) ON CONFLICT DO NOTHING RETURNING id
)
SELECT lockkeeper.record_event($2, $3, $4, $5) FROM first
