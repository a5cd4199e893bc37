-- The schemas that people made, as one JSON document. $1: their names, or NULL for all. Runs with an empty search path,
-- so that every name in a definition is qualified, and nothing of a user's is called.
WITH shown AS (
    SELECT n.oid, n.nspname
    FROM pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'lockkeeper')
      AND ($1 IS NULL OR n.nspname::text = ANY ($1))
), of_extensions AS (
    SELECT d.classid, d.objid FROM pg_depend d WHERE d.deptype = 'e'
), relations AS (
    SELECT c.oid, c.relname, c.relkind, c.relispartition, n.nspname
    FROM pg_class c JOIN shown n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT c.relispartition
      AND NOT EXISTS (SELECT FROM of_extensions e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid)
), types AS (
    SELECT t.oid, t.typname, t.typtype, t.typnotnull, t.typbasetype, t.typtypmod, t.typdefault, n.nspname
    FROM pg_type t JOIN shown n ON n.oid = t.typnamespace
    WHERE t.typtype IN ('e', 'd')
      AND NOT EXISTS (SELECT FROM of_extensions e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid)
)
SELECT json_build_object(
    'reads_only', current_setting('transaction_read_only') = 'on',
    'schemas', (
        SELECT coalesce(json_agg(json_build_object(
            'name', n.nspname,
            'comment', obj_description(n.oid, 'pg_namespace')
        ) ORDER BY n.nspname), '[]') FROM shown n
    ),
    'relations', (
        SELECT coalesce(json_agg(json_build_object(
            'name', json_build_array(c.nspname, c.relname),
            'kind', CASE c.relkind
                WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned_table' WHEN 'f' THEN 'foreign_table'
                WHEN 'v' THEN 'view' ELSE 'materialized_view' END,
            'comment', obj_description(c.oid, 'pg_class'),
            'partition_key', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
            'columns', (
                SELECT coalesce(json_agg(json_build_object(
                    'name', a.attname,
                    'type', format_type(a.atttypid, a.atttypmod),
                    'not_null', a.attnotnull OR EXISTS (SELECT FROM pg_type t WHERE t.oid = a.atttypid AND t.typnotnull),
                    'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
                    'generated', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
                    'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by_default' END,
                    'comment', col_description(c.oid, a.attnum)
                ) ORDER BY a.attnum), '[]')
                FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            ),
            'constraints', (
                SELECT coalesce(json_agg(json_build_object(
                    'name', k.conname,
                    'kind', CASE k.contype
                        WHEN 'p' THEN 'primary_key' WHEN 'u' THEN 'unique' WHEN 'x' THEN 'exclusion' ELSE 'check' END,
                    'columns', (
                        SELECT coalesce(json_agg(a.attname ORDER BY u.place), '[]')
                        FROM unnest(k.conkey) WITH ORDINALITY u (number, place)
                        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.number
                    ),
                    'definition', pg_get_constraintdef(k.oid, true),
                    'is_valid', k.convalidated,
                    'comment', obj_description(k.oid, 'pg_constraint')
                ) ORDER BY array_position('{p,u,x,c}'::"char"[], k.contype), k.conname), '[]')
                FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x', 'c')
            ),
            'foreign_keys', (
                SELECT coalesce(json_agg(json_build_object(
                    'name', k.conname,
                    'columns', (
                        SELECT json_agg(a.attname ORDER BY u.place)
                        FROM unnest(k.conkey) WITH ORDINALITY u (number, place)
                        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.number
                    ),
                    'target', json_build_array(tn.nspname, t.relname),
                    'target_columns', (
                        SELECT json_agg(a.attname ORDER BY u.place)
                        FROM unnest(k.confkey) WITH ORDINALITY u (number, place)
                        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.number
                    ),
                    'is_required', (
                        SELECT bool_and(a.attnotnull) FROM pg_attribute a
                        WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
                    ),
                    'is_unique', EXISTS (
                        SELECT FROM pg_index i
                        WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
                          AND i.indpred IS NULL AND i.indexprs IS NULL
                          AND (SELECT bool_and(u.number = ANY (k.conkey))
                               FROM unnest(i.indkey::int2[]) WITH ORDINALITY u (number, place)
                               WHERE u.place <= i.indnkeyatts)
                    ),
                    'on_delete', CASE k.confdeltype
                        WHEN 'a' THEN 'no_action' WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade'
                        WHEN 'n' THEN 'set_null' ELSE 'set_default' END,
                    'definition', pg_get_constraintdef(k.oid, true),
                    'is_valid', k.convalidated,
                    'comment', obj_description(k.oid, 'pg_constraint')
                ) ORDER BY k.conname), '[]')
                FROM pg_constraint k
                JOIN pg_class t ON t.oid = k.confrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
                WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0
            ),
            'indexes', (
                SELECT coalesce(json_agg(json_build_object(
                    'name', ic.relname,
                    'definition', pg_get_indexdef(i.indexrelid),
                    'is_valid', i.indisvalid,
                    'comment', obj_description(i.indexrelid, 'pg_class')
                ) ORDER BY ic.relname), '[]')
                FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
                WHERE i.indrelid = c.oid AND NOT EXISTS (
                    SELECT FROM pg_constraint k
                    WHERE k.conindid = i.indexrelid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x')
                )
            ),
            'partitions', (
                SELECT coalesce(json_agg(json_build_object(
                    'name', json_build_array(pn.nspname, p.relname),
                    'depth', tree.level,
                    'bound', pg_get_expr(p.relpartbound, p.oid)
                ) ORDER BY pn.nspname, p.relname), '[]')
                FROM pg_partition_tree(CASE WHEN c.relkind = 'p' THEN c.oid::regclass END) tree
                JOIN pg_class p ON p.oid = tree.relid JOIN pg_namespace pn ON pn.oid = p.relnamespace
                WHERE tree.level > 0
            ),
            'parents', (
                SELECT coalesce(json_agg(json_build_array(pn.nspname, p.relname) ORDER BY h.inhseqno), '[]')
                FROM pg_inherits h
                JOIN pg_class p ON p.oid = h.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
                WHERE h.inhrelid = c.oid
            ),
            'reads', (
                SELECT coalesce(json_agg(json_build_array(s.nspname, s.relname) ORDER BY s.nspname, s.relname), '[]')
                FROM (
                    SELECT DISTINCT rn.nspname, r.relname
                    FROM pg_rewrite w
                    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                        AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
                    JOIN pg_class r ON r.oid = d.refobjid JOIN pg_namespace rn ON rn.oid = r.relnamespace
                    WHERE w.ev_class = c.oid AND c.relkind IN ('v', 'm')
                ) s
            )
        ) ORDER BY c.nspname, c.relname), '[]') FROM relations c
    ),
    'enums', (
        SELECT coalesce(json_agg(json_build_object(
            'name', json_build_array(t.nspname, t.typname),
            'labels', (SELECT coalesce(json_agg(e.enumlabel ORDER BY e.enumsortorder), '[]')
                       FROM pg_enum e WHERE e.enumtypid = t.oid),
            'comment', obj_description(t.oid, 'pg_type')
        ) ORDER BY t.nspname, t.typname), '[]') FROM types t WHERE t.typtype = 'e'
    ),
    'domains', (
        SELECT coalesce(json_agg(json_build_object(
            'name', json_build_array(t.nspname, t.typname),
            'type', format_type(t.typbasetype, t.typtypmod),
            'not_null', t.typnotnull,
            'default', t.typdefault,
            'checks', (SELECT coalesce(json_agg(pg_get_constraintdef(k.oid, true) ORDER BY k.conname), '[]')
                       FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'),
            'comment', obj_description(t.oid, 'pg_type')
        ) ORDER BY t.nspname, t.typname), '[]') FROM types t WHERE t.typtype = 'd'
    )
)::text
