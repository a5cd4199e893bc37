-- The tables of these schemas ($1) and names ($2), by their number in the lists, with the table that a partition's rows
-- are counted in, and their columns.
SELECT d.number::int4, coalesce(pg_catalog.pg_partition_root(c.oid)::oid, c.oid),
    coalesce(a.names, '{}'), coalesce(a.made, '{}')
FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) WITH ORDINALITY AS d (schema, name, number)
JOIN pg_catalog.pg_namespace n ON n.nspname = d.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = d.name AND c.relkind IN ('r', 'p')
LEFT JOIN LATERAL (
    SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attnum) AS names,
        pg_catalog.array_agg(a.attgenerated <> '' ORDER BY a.attnum) AS made
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
) AS a ON true
