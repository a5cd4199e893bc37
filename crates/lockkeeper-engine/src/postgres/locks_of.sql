SELECT l.relation, l.mode FROM pg_catalog.pg_locks l
WHERE l.pid = $1 AND l.locktype = 'relation'
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
