-- Tables as keeping their rows depends on them, one JSON document; the search path is pg_catalog alone, so that every
-- type is named in full. $1: oids, in the order of the names that were asked for; NULL for a name that means nothing.
WITH asked AS (
    SELECT a.oid, a.place FROM pg_catalog.unnest($1::text::oid[]) WITH ORDINALITY AS a (oid, place)
)
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
    'place', a.place,
    'name', pg_catalog.json_build_array(n.nspname, c.relname),
    'is_table', c.relkind IN ('r', 'p'),
    'key', (SELECT coalesce(pg_catalog.json_agg(b.attname ORDER BY k.place), '[]')
            FROM pg_catalog.pg_index i, pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
            JOIN pg_catalog.pg_attribute b ON b.attrelid = c.oid AND b.attnum = k.attnum
            WHERE i.indrelid = c.oid AND i.indisprimary AND k.place <= i.indnkeyatts),
    'columns', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                    'name', b.attname,
                    'type', pg_catalog.format_type(b.atttypid, b.atttypmod),
                    -- Below 16384 is what the server itself came with; an array is made with what it is of.
                    'own', b.atttypid >= 16384 OR b.attcollation >= 16384,
                    'generated', b.attgenerated <> '',
                    'always', b.attidentity = 'a') ORDER BY b.attnum), '[]')
                FROM pg_catalog.pg_attribute b WHERE b.attrelid = c.oid AND b.attnum > 0 AND NOT b.attisdropped),
    'bytes', (SELECT coalesce(sum(pg_catalog.pg_relation_size(k.oid)
                  + coalesce(pg_catalog.pg_relation_size(nullif(k.reltoastrelid, 0)), 0)), 0)::bigint
              FROM pg_catalog.pg_class k
              WHERE k.relkind = 'r' AND (k.oid = c.oid OR c.relkind = 'p'
                    AND k.oid IN (SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t))),
    'heirs', c.relkind <> 'p' AND EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid),
    'filtered', pg_catalog.row_security_active(c.oid),
    -- Sequences that go with their column: of an identity, and of a serial.
    'sequences', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(b.attname,
                      pg_catalog.format('%I.%I', m.nspname, s.relname))), '[]')
                  FROM pg_catalog.pg_depend d
                  JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
                  JOIN pg_catalog.pg_namespace m ON m.oid = s.relnamespace
                  JOIN pg_catalog.pg_attribute b ON b.attrelid = c.oid AND b.attnum = d.refobjsubid
                  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
                    AND d.refobjid = c.oid AND d.deptype IN ('a', 'i')),
    'referring', (SELECT coalesce(pg_catalog.json_agg(DISTINCT b.attname), '[]')
                  FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_attribute b
                    ON b.attrelid = c.oid AND b.attnum = ANY (f.conkey)
                  WHERE f.conrelid = c.oid AND f.contype = 'f'))), '[]')::text
FROM asked a JOIN pg_catalog.pg_class c ON c.oid = a.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
