-- What the classifier asks of the catalog, as one JSON document. Names are arrays of schema and name.
WITH ours AS (
    SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'lockkeeper') AND n.nspname !~ '^pg_(toast|temp)'
), relations AS (
    SELECT c.*, pg_catalog.json_build_array(o.nspname, c.relname) AS full_name
    FROM pg_catalog.pg_class c JOIN ours o ON o.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
)
SELECT pg_catalog.json_build_object(
    'version', pg_catalog.current_setting('server_version_num')::int,
    'zone_is_utc', '2000-01-01'::timestamp::timestamptz = '2000-01-01 00:00+00'::timestamptz
        AND '2000-07-01'::timestamp::timestamptz = '2000-07-01 00:00+00'::timestamptz,
    'search_path', pg_catalog.array_to_json(pg_catalog.current_schemas(false)),
    'tables', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
        'name', r.full_name,
        'kind', r.relkind,
        'logged', r.relpersistence = 'p',
        'method', coalesce((SELECT m.amname FROM pg_catalog.pg_am m WHERE m.oid = r.relam), ''),
        'tablespace', (SELECT s.spcname FROM pg_catalog.pg_tablespace s, pg_catalog.pg_database d
                       WHERE d.datname = pg_catalog.current_database()
                         AND s.oid = CASE r.reltablespace WHEN 0 THEN d.dattablespace ELSE r.reltablespace END),
        'attached', (SELECT coalesce(pg_catalog.json_agg(a.name), '[]') FROM (
            SELECT g.tgname AS name FROM pg_catalog.pg_trigger g WHERE g.tgrelid = r.oid AND NOT g.tgisinternal
            UNION SELECT p.polname FROM pg_catalog.pg_policy p WHERE p.polrelid = r.oid
            UNION SELECT w.rulename FROM pg_catalog.pg_rewrite w WHERE w.ev_class = r.oid) a),
        'partition', r.relispartition,
        'type', (SELECT t.typname FROM pg_catalog.pg_type t WHERE t.oid = r.reloftype),
        'children', (SELECT coalesce(pg_catalog.json_agg(k.full_name), '[]') FROM pg_catalog.pg_inherits i
                     JOIN relations k ON k.oid = i.inhrelid WHERE i.inhparent = r.oid),
        'parents', (SELECT coalesce(pg_catalog.json_agg(k.full_name), '[]') FROM pg_catalog.pg_inherits i
                    JOIN relations k ON k.oid = i.inhparent WHERE i.inhrelid = r.oid),
        'default', (SELECT k.full_name FROM pg_catalog.pg_partitioned_table p JOIN relations k ON k.oid = p.partdefid
                    WHERE p.partrelid = r.oid),
        'reads', (SELECT coalesce(pg_catalog.json_agg(DISTINCT k.full_name::text), '[]') FROM pg_catalog.pg_rewrite w
                  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
                      AND d.refclassid = 'pg_catalog.pg_class'::regclass
                  JOIN relations k ON k.oid = d.refobjid
                  WHERE w.ev_class = r.oid AND k.oid <> r.oid AND r.relkind IN ('v', 'm')),
        'columns', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                        a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated = 'v')
                        ORDER BY a.attnum), '[]')
                    FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped),
        'constraints', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                            'name', n.conname, 'kind', n.contype, 'valid', n.convalidated, 'references', k.full_name,
                            'referenced', (SELECT coalesce(pg_catalog.json_agg(a.attname), '[]') FROM pg_catalog.pg_attribute a
                                           WHERE a.attrelid = n.confrelid AND a.attnum = ANY (n.confkey)),
                            'writes', n.confdeltype IN ('c', 'n', 'd'),
                            'check', CASE WHEN n.contype = 'c' THEN pg_catalog.pg_get_constraintdef(n.oid) ELSE '' END,
                            'columns', (SELECT coalesce(pg_catalog.json_agg(a.attname), '[]') FROM pg_catalog.pg_attribute a
                                        WHERE a.attrelid = r.oid AND a.attnum = ANY (n.conkey)))), '[]')
                        FROM pg_catalog.pg_constraint n LEFT JOIN relations k ON k.oid = n.confrelid
                        WHERE n.conrelid = r.oid))), '[]') FROM relations r),
    'indexes', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(o.nspname, c.relname, r.full_name)), '[]')
                FROM pg_catalog.pg_index i JOIN relations r ON r.oid = i.indrelid
                JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN ours o ON o.oid = c.relnamespace),
    'volatile', (SELECT coalesce(pg_catalog.json_agg(p.proname), '[]') FROM (
                     SELECT DISTINCT q.proname FROM pg_catalog.pg_proc q WHERE q.provolatile = 'v' AND q.prokind = 'f'
                     AND q.prorettype <> ALL ('{trigger,event_trigger,internal,index_am_handler,table_am_handler}'::regtype[])) p),
    'domains', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                    t.typname, pg_catalog.format_type(t.typbasetype, t.typtypmod),
                    t.typnotnull OR EXISTS (SELECT FROM pg_catalog.pg_constraint n WHERE n.contypid = t.oid))), '[]')
                FROM pg_catalog.pg_type t JOIN ours o ON o.oid = t.typnamespace WHERE t.typtype = 'd'),
    'publications', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(p.pubname, r.full_name)), '[]')
                     FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_rel l ON l.prpubid = p.oid
                     JOIN relations r ON r.oid = l.prrelid),
    'statistics', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(s.stxname, r.full_name)), '[]')
                   FROM pg_catalog.pg_statistic_ext s JOIN relations r ON r.oid = s.stxrelid)
)::text
