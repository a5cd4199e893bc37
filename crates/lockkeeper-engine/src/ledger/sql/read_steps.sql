SELECT ordinal, statement, source, sql, run, settled, clear, fills_table, fills_column, fills_silently, take_back, take_back_alone,
       started_at IS NOT NULL AND finished_at IS NULL AS is_begun, outcome
FROM lockkeeper.steps WHERE migration_seq = $1 AND direction = $2 ORDER BY ordinal
