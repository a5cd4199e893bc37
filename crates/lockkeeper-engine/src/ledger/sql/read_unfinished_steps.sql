-- Steps that began and whose outcome is not recorded, of migrations that stand.
SELECT s.migration_seq, s.direction = 'up' AS is_up, s.ordinal, s.sql, s.started_by,
       (extract(epoch FROM s.started_at) * 1000000)::bigint AS started_at
FROM lockkeeper.steps s JOIN lockkeeper.migrations m ON m.seq = s.migration_seq
WHERE s.started_at IS NOT NULL AND s.finished_at IS NULL AND m.state <> 'rolled_back' ORDER BY s.migration_seq, s.ordinal
