-- $1: names of tables; $2: tables that were known by another name. With what they refer to, but for what those of $3
-- do, which have rows already. A partition's rows are its root's.
WITH RECURSIVE wanted (oid) AS (
    SELECT coalesce(pg_partition_root(c.oid)::oid, c.oid) FROM pg_class c
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND c.oid >= 16384
      AND (c.oid = ANY ($2) OR c.oid IN (SELECT to_regclass(n) FROM unnest($1) AS n))
    UNION
    SELECT coalesce(pg_partition_root(k.confrelid)::oid, k.confrelid)
    FROM wanted w JOIN pg_constraint k ON k.conrelid = w.oid AND k.contype = 'f'
    -- What has rows needs none, and what they refer to is there.
    WHERE NOT w.oid = ANY ($3)
)
SELECT json_build_object(
    'oid', w.oid::bigint,
    'name', format('%I.%I', n.nspname, c.relname),
    'columns', coalesce((
        SELECT json_agg(json_build_object(
            'number', a.attnum, 'name', quote_ident(a.attname), 'type', format_type(a.atttypid, a.atttypmod),
            'not_null', a.attnotnull OR t.typnotnull,
            'server_made', a.attgenerated <> '' OR a.attidentity <> ''
                OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false),
            'base', b.typname, 'modifier', CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END,
            'element', coalesce(e.typname, s.typname), 'is_array', e.oid IS NOT NULL, 'is_range', s.oid IS NOT NULL,
            'labels', (SELECT json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_enum l
                       WHERE l.enumtypid IN (b.oid, e.oid)),
            'conditions', (SELECT json_agg(text) FROM (
                SELECT pg_get_constraintdef(k.oid) AS text FROM pg_constraint k
                WHERE k.contype = 'c' AND (k.conrelid = w.oid AND a.attnum = ANY (k.conkey) OR k.contypid = t.oid AND t.typtype = 'd')
                UNION ALL
                SELECT pg_get_expr(child.relpartbound, child.oid) FROM pg_partitioned_table p
                JOIN pg_inherits i ON i.inhparent = p.partrelid JOIN pg_class child ON child.oid = i.inhrelid
                WHERE p.partrelid = w.oid AND a.attnum = ANY (p.partattrs::int2[])
            ) AS texts)
        ) ORDER BY a.attnum)
        FROM pg_attribute a
        JOIN pg_type t ON t.oid = a.atttypid
        -- A domain over a domain is as deep as this looks.
        LEFT JOIN pg_type t2 ON t.typtype = 'd' AND t2.oid = t.typbasetype
        JOIN pg_type b ON b.oid = CASE WHEN t.typtype <> 'd' THEN t.oid WHEN t2.typtype = 'd' THEN t2.typbasetype ELSE t2.oid END
        LEFT JOIN pg_type e ON b.typcategory = 'A' AND e.oid = b.typelem
        LEFT JOIN pg_range g ON g.rngtypid = b.oid
        LEFT JOIN pg_type s ON s.oid = g.rngsubtype
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]'),
    'references', coalesce((
        SELECT json_agg(json_build_object(
            'table', coalesce(pg_partition_root(k.confrelid)::oid, k.confrelid)::bigint,
            'columns', (SELECT json_agg(quote_ident(a.attname) ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
                        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number),
            'referenced', (SELECT json_agg(quote_ident(a.attname) ORDER BY u.place) FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
                           JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number)
        ) ORDER BY k.conname) FROM pg_constraint k WHERE k.conrelid = w.oid AND k.contype = 'f' AND k.conparentid = 0), '[]')
)::text
FROM wanted w JOIN pg_class c ON c.oid = w.oid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY w.oid
