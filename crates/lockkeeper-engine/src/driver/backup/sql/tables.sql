-- What pg_dump locks, and of what it dumps rows: ours to read, or not. What belongs to an extension comes with it.
-- Columns by name: a restore may put those of heirs in another order. Generated ones are made anew.
SELECT n.nspname::text, c.relname::text, c.relkind = 'r' AS has_rows, c.relkind = 'S' AS is_sequence,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AS may_read,
       pg_catalog.row_security_active(c.oid) AS is_filtered,
       coalesce((SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attname COLLATE "C")
                 FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''), '{}') AS columns
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
