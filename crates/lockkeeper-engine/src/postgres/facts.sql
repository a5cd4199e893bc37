-- The relations of the given names: what they are, how much they hold, their columns, their partitions. A name that
-- means nothing gives no row. The first name decides which relation it is, by the search path of the session.
WITH RECURSIVE asked AS (
    SELECT a.name, pg_catalog.to_regclass(a.name) AS oid FROM pg_catalog.unnest($1::text[]) AS a (name)
), heirs (root, oid) AS (
    SELECT oid, oid::oid FROM asked WHERE oid IS NOT NULL
    UNION
    SELECT h.root, i.inhrelid FROM heirs h JOIN pg_catalog.pg_inherits i ON i.inhparent = h.oid
), held AS (
    SELECT h.root,
           sum(CASE WHEN c.relkind IN ('r', 'm', 't') THEN pg_catalog.pg_relation_size(c.oid) ELSE 0 END)::bigint AS bytes,
           pg_catalog.json_agg(pg_catalog.json_build_array(n.nspname, c.relname) ORDER BY n.nspname, c.relname)
               FILTER (WHERE c.relkind = 'r')::text AS leaves,
           sum(greatest(c.reltuples, 0))::bigint AS rows,
           coalesce(sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del), 0) AS writes,
           coalesce(sum(coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0)), 0) AS reads,
           pg_catalog.bool_or(t.fires) AS fires,
           pg_catalog.bool_or(t.always) AS always
    FROM heirs h
    JOIN pg_catalog.pg_class c ON c.oid = h.oid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = c.oid
    CROSS JOIN LATERAL (
        -- tgtype: bit 16 is UPDATE.
        SELECT coalesce(pg_catalog.bool_or(g.tgenabled <> 'D'), false) AS fires,
               coalesce(pg_catalog.bool_or(g.tgenabled IN ('A', 'R')), false) AS always
        FROM pg_catalog.pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgtype & 16 <> 0
    ) t
    GROUP BY h.root
)
SELECT a.name, n.nspname::text AS schema, c.relname::text AS relation, c.relkind::text AS kind,
       CASE WHEN c.relkind = 'i' THEN pg_catalog.pg_relation_size(x.indrelid) ELSE h.bytes END AS bytes,
       CASE WHEN c.relkind = 'p' THEN coalesce(h.leaves, '[]') ELSE '[]' END AS leaves,
       h.rows, (h.writes / m.minutes)::bigint AS writes_per_min, (h.reads / m.minutes)::bigint AS reads_per_min,
       h.fires, h.always,
       c.relispopulated AS is_populated,
       EXISTS (SELECT FROM pg_catalog.pg_index u WHERE u.indrelid = c.oid AND u.indisunique AND u.indisvalid
               AND u.indpred IS NULL AND u.indexprs IS NULL) AS has_unique_key,
       CASE WHEN c.relkind IN ('i', 'I') THEN pg_catalog.pg_get_indexdef(c.oid) ELSE '' END AS definition,
       coalesce((
           SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
               f.attname, pg_catalog.format_type(f.atttypid, f.atttypmod), f.attnotnull) ORDER BY f.attnum)::text
           FROM pg_catalog.pg_attribute f WHERE f.attrelid = c.oid AND f.attnum > 0 AND NOT f.attisdropped
       ), '[]') AS columns
FROM asked a
JOIN pg_catalog.pg_class c ON c.oid = a.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN held h ON h.root = a.oid
LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid
CROSS JOIN (
    -- Never less than a minute: what a young server has seen says little.
    SELECT greatest(1, extract(epoch FROM pg_catalog.clock_timestamp()
        - coalesce(d.stats_reset, pg_catalog.pg_postmaster_start_time())) / 60) AS minutes
    FROM pg_catalog.pg_stat_database d WHERE d.datname = pg_catalog.current_database()
) m
