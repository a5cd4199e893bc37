-- Changes with every row that is added to the catalogues of the inventory, changed or removed. It changes for other
-- reasons too (temporary tables, TRUNCATE), and then only costs the long way. Objects of users are numbered from 16384.
SELECT string_agg(rows || ':' || xids, ' ' ORDER BY place) FROM (
    SELECT 1 AS place, count(*) AS rows, coalesce(sum(xmin::text::bigint), 0) AS xids FROM pg_class WHERE oid >= 16384
    UNION ALL SELECT 2, count(*), coalesce(sum(xmin::text::bigint), 0) FROM pg_attribute WHERE attrelid >= 16384
    UNION ALL SELECT 3, count(*), coalesce(sum(xmin::text::bigint), 0) FROM pg_attrdef WHERE adrelid >= 16384
    UNION ALL SELECT 4, count(*), coalesce(sum(xmin::text::bigint), 0) FROM pg_constraint WHERE oid >= 16384
    UNION ALL SELECT 5, count(*), coalesce(sum(xmin::text::bigint), 0) FROM pg_index WHERE indexrelid >= 16384
    UNION ALL SELECT 6, count(*), coalesce(sum(xmin::text::bigint), 0) FROM pg_inherits WHERE inhrelid >= 16384
    UNION ALL SELECT 7, count(*), coalesce(sum(xmin::text::bigint), 0) FROM pg_namespace WHERE oid >= 16384
    UNION ALL SELECT 8, count(*), coalesce(sum(xmin::text::bigint), 0) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT 9, count(*), coalesce(sum(xmin::text::bigint), 0) FROM pg_type WHERE oid >= 16384
    UNION ALL SELECT 10, count(*), coalesce(sum(xmin::text::bigint), 0) FROM pg_enum WHERE oid >= 16384
    UNION ALL SELECT 11, count(*), coalesce(sum(xmin::text::bigint), 0) FROM pg_range WHERE rngtypid >= 16384
    UNION ALL SELECT 12, count(*), coalesce(sum(xmin::text::bigint), 0) FROM pg_sequence WHERE seqrelid >= 16384
    UNION ALL SELECT 13, count(*), coalesce(sum(xmin::text::bigint), 0) FROM pg_trigger WHERE oid >= 16384
    UNION ALL SELECT 14, count(*), coalesce(sum(xmin::text::bigint), 0) FROM pg_policy WHERE oid >= 16384
    UNION ALL SELECT 15, count(*), coalesce(sum(xmin::text::bigint), 0) FROM pg_rewrite WHERE oid >= 16384
    UNION ALL SELECT 16, count(*), coalesce(sum(xmin::text::bigint), 0) FROM pg_extension WHERE oid >= 16384
) catalogues
