-- Every object of the user's schemas, with a definition of one line for each part: what a reviewer would call the
-- schema. Left out, because it changes without anybody meaning the schema: owners and grants, comments, values of
-- sequences, statistics and storage, versions of extensions, and what an extension or a partition has from above.
-- It expects a search path of pg_catalog alone, so that every name is written in full.
WITH extended AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), ours AS (
    SELECT n.oid, n.nspname FROM pg_namespace n
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'lockkeeper') AND n.nspname !~ '^pg_(toast|temp)'
      AND NOT EXISTS (SELECT FROM extended e WHERE e.classid = 'pg_namespace'::regclass AND e.objid = n.oid)
), relations AS (
    SELECT c.oid, format('%I.%I', o.nspname, c.relname) AS identity, c.relkind, c.relispartition, c.relpersistence,
           c.reloptions, c.relrowsecurity, c.relforcerowsecurity, c.relpartbound,
           CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'f' THEN 'foreign table' WHEN 'v' THEN 'view'
                          WHEN 'm' THEN 'materialized view' WHEN 'c' THEN 'type' ELSE 'sequence' END AS kind
    FROM pg_class c JOIN ours o ON o.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c', 'S') AND c.relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM extended e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid)
      -- A sequence behind an identity column is part of the column.
      AND NOT (c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
               AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'))
), parts (oid, part) AS (
    SELECT r.oid, concat_ws(' ', r.kind,
        CASE r.relpersistence WHEN 'u' THEN 'unlogged' END,
        CASE WHEN r.relkind = 'p' THEN 'partitioned by ' || pg_get_partkeydef(r.oid) END,
        (SELECT CASE WHEN r.relispartition THEN 'partition of ' ELSE 'inherits ' END
             || string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = r.oid),
        CASE WHEN r.relispartition THEN pg_get_expr(r.relpartbound, r.oid) END,
        'with (' || array_to_string(r.reloptions, ', ') || ')',
        CASE WHEN r.relrowsecurity THEN 'row level security' END,
        CASE WHEN r.relforcerowsecurity THEN 'forced' END)
    FROM relations r WHERE r.relkind <> 'S'
    UNION ALL
    SELECT r.oid, format('sequence as %s start %s increment %s minimum %s maximum %s%s', s.seqtypid::regtype, s.seqstart,
        s.seqincrement, s.seqmin, s.seqmax, CASE WHEN s.seqcycle THEN ' cycle' END)
    FROM relations r JOIN pg_sequence s ON s.seqrelid = r.oid WHERE r.relkind = 'S'
    UNION ALL
    SELECT r.oid, concat_ws(' ', 'column', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attcollation <> t.typcollation THEN 'collate ' || a.attcollation::regcollation::text END,
        CASE WHEN a.attnotnull THEN 'not null' END,
        CASE a.attidentity WHEN 'a' THEN 'identity always' WHEN 'd' THEN 'identity by default' END,
        CASE a.attgenerated WHEN '' THEN 'default ' ELSE 'generated ' END || pg_get_expr(d.adbin, d.adrelid))
    FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND r.relkind IN ('r', 'p', 'f', 'c') AND NOT r.relispartition
    UNION ALL
    SELECT r.oid, format('constraint %I %s', c.conname, pg_get_constraintdef(c.oid))
    FROM relations r JOIN pg_constraint c ON c.conrelid = r.oid
    -- Not-null constraints have rows from PostgreSQL 18 on, and are told at their columns.
    WHERE c.contype IN ('c', 'f', 'p', 'u', 'x') AND c.conparentid = 0 AND c.conislocal
    UNION ALL
    -- One that is not valid is being built, or was left by somebody who could not: nothing reads by it.
    SELECT r.oid, format('index %I %s', i.relname,
                         regexp_replace(pg_get_indexdef(x.indexrelid), '^CREATE (UNIQUE )?INDEX .*? USING ', '\1'))
    FROM relations r JOIN pg_index x ON x.indrelid = r.oid JOIN pg_class i ON i.oid = x.indexrelid
    WHERE x.indisvalid AND NOT i.relispartition AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid
                                               AND c.conrelid = x.indrelid AND c.contype IN ('p', 'u', 'x'))
    UNION ALL
    SELECT r.oid, concat('trigger ', quote_ident(t.tgname), CASE WHEN t.tgenabled <> 'O' THEN format(' (%s)', t.tgenabled) END,
                         ' ', pg_get_triggerdef(t.oid))
    FROM relations r JOIN pg_trigger t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal AND t.tgparentid = 0
    UNION ALL
    SELECT r.oid, format('policy %I %s for %s to %s using %s check %s', p.polname,
        CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END, p.polcmd,
        (SELECT coalesce(string_agg(m.rolname, ', ' ORDER BY m.rolname), 'public') FROM pg_roles m WHERE m.oid = ANY (p.polroles)),
        pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    FROM relations r JOIN pg_policy p ON p.polrelid = r.oid
    UNION ALL
    SELECT r.oid, format('rule %I %s', w.rulename, pg_get_ruledef(w.oid))
    FROM relations r JOIN pg_rewrite w ON w.ev_class = r.oid WHERE w.rulename <> '_RETURN'
    UNION ALL
    SELECT r.oid, pg_get_viewdef(r.oid) FROM relations r WHERE r.relkind IN ('v', 'm')
)
SELECT r.kind, r.identity, string_agg(p.part, E'\n' ORDER BY p.part COLLATE "C") AS definition
FROM relations r JOIN parts p ON p.oid = r.oid GROUP BY r.oid, r.kind, r.identity
UNION ALL
SELECT 'schema', quote_ident(o.nspname), '' FROM ours o
UNION ALL
SELECT 'extension', quote_ident(e.extname), '' FROM pg_extension e
UNION ALL
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
       format('%I.%I(%s)', o.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), pg_get_functiondef(p.oid)
FROM pg_proc p JOIN ours o ON o.oid = p.pronamespace
WHERE p.prokind IN ('f', 'p', 'w')
  AND NOT EXISTS (SELECT FROM extended e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid)
UNION ALL
SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, format('%I.%I', o.nspname, t.typname),
       CASE t.typtype
           WHEN 'e' THEN 'enum ' || (SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder)
                                     FROM pg_enum l WHERE l.enumtypid = t.oid)
           WHEN 'r' THEN 'range of ' || (SELECT g.rngsubtype::regtype::text FROM pg_range g WHERE g.rngtypid = t.oid)
           ELSE concat_ws(' ', 'domain', format_type(t.typbasetype, t.typtypmod), CASE WHEN t.typnotnull THEN 'not null' END,
                          'default ' || t.typdefault)
       END || coalesce((SELECT string_agg(format(E'\nconstraint %I %s', c.conname, pg_get_constraintdef(c.oid)), '' ORDER BY c.conname)
                        FROM pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c'), '')
FROM pg_type t JOIN ours o ON o.oid = t.typnamespace
WHERE t.typtype IN ('d', 'e', 'r')
  AND NOT EXISTS (SELECT FROM extended e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid)
