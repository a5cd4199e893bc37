-- What was kept and is still there, oldest first; $1 names the migration that was undone, NULL all of them.
SELECT s.id, s.migration_seq, m.number, m.name, s.place, s.schema_name, s.table_name, s.is_whole, s.columns, s.sequences,
       s.kept_in, s.row_count, s.bytes, (extract(epoch FROM s.taken_at) * 1000000)::bigint AS taken_at, s.taken_by,
       s.kept_because, (extract(epoch FROM s.returned_at) * 1000000)::bigint AS returned_at, s.rows_returned, s.rows_gone,
       s.rows_kept
FROM lockkeeper.salvages s JOIN lockkeeper.migrations m ON m.seq = s.migration_seq
WHERE ($1::bigint IS NULL OR s.migration_seq = $1)
  AND EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = 'lockkeeper' AND c.relname = s.kept_in)
ORDER BY s.id
