-- How far each sequence is, and which way it counts; 0 for one that begins again.
SELECT s.schemaname::text, s.sequencename::text, s.last_value,
       CASE WHEN s.cycle THEN 0 WHEN s.increment_by < 0 THEN -1 ELSE 1 END AS direction
FROM pg_catalog.pg_sequences s
JOIN pg_catalog.pg_namespace n ON n.nspname = s.schemaname
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = s.sequencename
WHERE c.relpersistence <> 't' AND s.schemaname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY s.schemaname COLLATE "C", s.sequencename COLLATE "C"
