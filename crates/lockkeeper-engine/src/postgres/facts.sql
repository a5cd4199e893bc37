-- What is known of a database, as one JSON document; names are arrays of schema and name. $1 holds the names that are
-- asked for, NULL for all. Of a list of names, everything that is tied to them comes along: heirs, foreign keys, views.
WITH RECURSIVE ours AS MATERIALIZED (
    SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'lockkeeper') AND n.nspname !~ '^pg_(toast|temp)'
), asked AS MATERIALIZED (
    -- An index stands for its table.
    SELECT coalesce(x.indrelid, a.oid) AS oid
    FROM (SELECT pg_catalog.to_regclass(name)::oid AS oid FROM pg_catalog.unnest($1::text[]) AS n (name)) a
    LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = a.oid WHERE a.oid IS NOT NULL
), ties AS MATERIALIZED (
    SELECT i.inhrelid AS a, i.inhparent AS b FROM pg_catalog.pg_inherits i WHERE $1 IS NOT NULL
    UNION ALL
    SELECT f.conrelid, f.confrelid FROM pg_catalog.pg_constraint f WHERE f.contype = 'f' AND $1 IS NOT NULL
    UNION ALL
    SELECT w.ev_class, d.refobjid FROM pg_catalog.pg_rewrite w
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
        AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> w.ev_class
    WHERE $1 IS NOT NULL AND w.ev_class >= 16384
), both_ways AS MATERIALIZED (
    SELECT a, b FROM ties UNION ALL SELECT b, a FROM ties
), around (oid) AS (
    SELECT oid FROM asked UNION SELECT t.b FROM around r JOIN both_ways t ON t.a = r.oid
), below (oid) AS (
    SELECT oid FROM asked UNION SELECT i.inhrelid FROM below b JOIN pg_catalog.pg_inherits i ON i.inhparent = b.oid
), held AS MATERIALIZED (
    -- A table's size, and the text of its indexes and checks, wait for whoever holds it exclusively. We wait for what
    -- is asked for; of a neighbour the size is what the planner last saw.
    SELECT l.relation FROM pg_catalog.pg_locks l
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND $1 IS NOT NULL
      AND l.relation NOT IN (SELECT oid FROM below)
), relations AS MATERIALIZED (
    SELECT c.oid, c.relname, c.relnamespace, c.relkind, c.relpersistence, c.relam, c.reltablespace, c.relispartition,
           c.reloftype, c.relpages, c.reltuples, c.relispopulated, o.nspname
    FROM pg_catalog.pg_class c JOIN ours o ON o.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ($1 IS NULL OR c.oid IN (SELECT oid FROM around))
), seen AS MATERIALIZED (
    -- Since when the statistics count: their last reset, the making of the cluster, a crash that lost them. Never
    -- less than a minute, which says little.
    SELECT greatest(1, extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(
        pg_catalog.pg_stat_get_db_stat_reset_time(d.oid), pg_catalog.pg_stat_get_bgwriter_stat_reset_time(),
        pg_catalog.pg_postmaster_start_time())) / 60) AS minutes
    FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
)
SELECT pg_catalog.json_build_object(
    'server_version_num', pg_catalog.current_setting('server_version_num')::int,
    'taken_at', pg_catalog.floor(extract(epoch FROM pg_catalog.clock_timestamp()))::bigint,
    'zone_is_utc', '2000-01-01'::timestamp::timestamptz = '2000-01-01 00:00+00'::timestamptz
        AND '2000-07-01'::timestamp::timestamptz = '2000-07-01 00:00+00'::timestamptz,
    'search_path', pg_catalog.array_to_json(pg_catalog.current_schemas(false)),
    'relations', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
        'name', pg_catalog.json_build_array(r.nspname, r.relname),
        'kind', r.relkind,
        'bytes', CASE WHEN r.relkind NOT IN ('r', 'm') THEN 0
                      WHEN EXISTS (SELECT FROM held h WHERE h.relation = r.oid)
                          THEN r.relpages::bigint * pg_catalog.current_setting('block_size')::bigint
                      ELSE coalesce(pg_catalog.pg_relation_size(r.oid), 0) END,
        'rows', greatest(r.reltuples, 0)::bigint,
        'writes_per_min', ((pg_catalog.pg_stat_get_tuples_inserted(r.oid) + pg_catalog.pg_stat_get_tuples_updated(r.oid)
            + pg_catalog.pg_stat_get_tuples_deleted(r.oid)) / s.minutes)::bigint,
        'reads_per_min', ((pg_catalog.pg_stat_get_numscans(r.oid) + coalesce((SELECT sum(pg_catalog.pg_stat_get_numscans(x.indexrelid))
            FROM pg_catalog.pg_index x WHERE x.indrelid = r.oid), 0)) / s.minutes)::bigint,
        'populated', r.relispopulated,
        'logged', r.relpersistence = 'p',
        'method', coalesce((SELECT m.amname FROM pg_catalog.pg_am m WHERE m.oid = r.relam), ''),
        'tablespace', (SELECT p.spcname FROM pg_catalog.pg_tablespace p, pg_catalog.pg_database d
                       WHERE d.datname = pg_catalog.current_database()
                         AND p.oid = CASE r.reltablespace WHEN 0 THEN d.dattablespace ELSE r.reltablespace END),
        'attached', (SELECT coalesce(pg_catalog.json_agg(a.name), '[]') FROM (
            SELECT g.tgname AS name FROM pg_catalog.pg_trigger g WHERE g.tgrelid = r.oid AND NOT g.tgisinternal
            UNION SELECT p.polname FROM pg_catalog.pg_policy p WHERE p.polrelid = r.oid
            UNION SELECT w.rulename FROM pg_catalog.pg_rewrite w WHERE w.ev_class = r.oid) a),
        -- tgtype: bit 16 is UPDATE.
        'triggers', (SELECT coalesce(pg_catalog.bool_or(g.tgenabled <> 'D'), false) FROM pg_catalog.pg_trigger g
                     WHERE g.tgrelid = r.oid AND NOT g.tgisinternal AND g.tgtype & 16 <> 0),
        'triggers_always', (SELECT coalesce(pg_catalog.bool_or(g.tgenabled IN ('A', 'R')), false) FROM pg_catalog.pg_trigger g
                            WHERE g.tgrelid = r.oid AND NOT g.tgisinternal AND g.tgtype & 16 <> 0),
        'partition', r.relispartition,
        'type', (SELECT t.typname FROM pg_catalog.pg_type t WHERE t.oid = r.reloftype),
        'children', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(n.nspname, k.relname)), '[]')
                     FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class k ON k.oid = i.inhrelid
                     JOIN pg_catalog.pg_namespace n ON n.oid = k.relnamespace WHERE i.inhparent = r.oid),
        'parents', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(n.nspname, k.relname)), '[]')
                    FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class k ON k.oid = i.inhparent
                    JOIN pg_catalog.pg_namespace n ON n.oid = k.relnamespace WHERE i.inhrelid = r.oid),
        'default', (SELECT pg_catalog.json_build_array(n.nspname, k.relname) FROM pg_catalog.pg_partitioned_table p
                    JOIN pg_catalog.pg_class k ON k.oid = p.partdefid
                    JOIN pg_catalog.pg_namespace n ON n.oid = k.relnamespace WHERE p.partrelid = r.oid),
        'reads', CASE WHEN r.relkind NOT IN ('v', 'm') THEN '[]' ELSE (
            SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('name', b.name, 'columns', b.columns)), '[]') FROM (
                SELECT pg_catalog.json_build_array(n.nspname, k.relname) AS name,
                       coalesce(pg_catalog.json_agg(DISTINCT a.attname) FILTER (WHERE a.attname IS NOT NULL), '[]') AS columns
                FROM pg_catalog.pg_rewrite w
                JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
                    AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> w.ev_class
                JOIN pg_catalog.pg_class k ON k.oid = d.refobjid JOIN ours n ON n.oid = k.relnamespace
                LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = k.oid AND a.attnum = d.refobjsubid AND a.attnum > 0
                WHERE w.ev_class = r.oid AND k.relkind IN ('r', 'p', 'v', 'm', 'f') GROUP BY n.nspname, k.relname) b) END,
        'columns', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                        a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated = 'v')
                        ORDER BY a.attnum), '[]')
                    FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped),
        'constraints', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                            'name', n.conname, 'kind', n.contype, 'valid', n.convalidated,
                            'references', (SELECT pg_catalog.json_build_array(m.nspname, k.relname) FROM pg_catalog.pg_class k
                                           JOIN pg_catalog.pg_namespace m ON m.oid = k.relnamespace WHERE k.oid = n.confrelid),
                            'referenced', (SELECT coalesce(pg_catalog.json_agg(a.attname), '[]') FROM pg_catalog.pg_attribute a
                                           WHERE a.attrelid = n.confrelid AND a.attnum = ANY (n.confkey)),
                            'writes', n.confdeltype IN ('c', 'n', 'd'),
                            'check', CASE WHEN n.contype = 'c' AND NOT EXISTS (SELECT FROM held h WHERE h.relation = r.oid)
                                          THEN coalesce(pg_catalog.pg_get_constraintdef(n.oid), '') ELSE '' END,
                            'columns', (SELECT coalesce(pg_catalog.json_agg(a.attname), '[]') FROM pg_catalog.pg_attribute a
                                        WHERE a.attrelid = r.oid AND a.attnum = ANY (n.conkey)))), '[]')
                        FROM pg_catalog.pg_constraint n WHERE n.conrelid = r.oid))), '[]') FROM relations r, seen s),
    'indexes', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                    'name', pg_catalog.json_build_array(n.nspname, c.relname),
                    'table', pg_catalog.json_build_array(r.nspname, r.relname),
                    'bytes', c.relpages::bigint * pg_catalog.current_setting('block_size')::bigint,
                    'unique', i.indisunique, 'valid', i.indisvalid, 'partial', i.indpred IS NOT NULL,
                    'partitioned', c.relkind = 'I',
                    'columns', (SELECT pg_catalog.json_agg(a.attname ORDER BY k.place)
                                FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
                                LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                                    AND k.attnum <> 0
                                WHERE k.place <= i.indnkeyatts),
                    'definition', CASE WHEN r.oid IN (SELECT oid FROM below)
                                  THEN coalesce(pg_catalog.pg_get_indexdef(i.indexrelid), '') ELSE '' END)), '[]')
                FROM pg_catalog.pg_index i JOIN relations r ON r.oid = i.indrelid
                JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace),
    'taken', CASE WHEN $1 IS NULL THEN '[]' ELSE (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(t.a, t.b)), '[]') FROM (
        SELECT o.nspname AS a, c.relname AS b FROM pg_catalog.pg_class c JOIN ours o ON o.oid = c.relnamespace
        WHERE o.oid IN (SELECT s.relnamespace FROM relations s JOIN asked a ON a.oid = s.oid)
        UNION
        SELECT o.nspname, c.conname FROM pg_catalog.pg_constraint c JOIN ours o ON o.oid = c.connamespace
        WHERE o.oid IN (SELECT s.relnamespace FROM relations s JOIN asked a ON a.oid = s.oid)) t) END,
    'volatile', (SELECT coalesce(pg_catalog.json_agg(p.proname), '[]') FROM (
                     SELECT DISTINCT q.proname FROM pg_catalog.pg_proc q WHERE q.provolatile = 'v' AND q.prokind = 'f'
                     AND q.prorettype <> ALL ('{trigger,event_trigger,internal,index_am_handler,table_am_handler}'::regtype[])) p),
    'domains', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                    t.typname, pg_catalog.format_type(t.typbasetype, t.typtypmod),
                    t.typnotnull OR EXISTS (SELECT FROM pg_catalog.pg_constraint n WHERE n.contypid = t.oid))), '[]')
                FROM pg_catalog.pg_type t JOIN ours o ON o.oid = t.typnamespace WHERE t.typtype = 'd'),
    'publications', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(p.pubname, pg_catalog.json_build_array(r.nspname, r.relname))), '[]')
                     FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_rel l ON l.prpubid = p.oid
                     JOIN relations r ON r.oid = l.prrelid),
    'statistics', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(s.stxname, pg_catalog.json_build_array(r.nspname, r.relname))), '[]')
                   FROM pg_catalog.pg_statistic_ext s JOIN relations r ON r.oid = s.stxrelid)
)::text
