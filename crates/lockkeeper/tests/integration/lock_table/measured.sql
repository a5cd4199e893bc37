-- What a form is measured against: the relations that are there before it, where their rows are and how many.
CREATE SCHEMA measured;
CREATE TABLE measured.known AS
    SELECT c.oid, c.oid::regclass::text AS name, c.relkind, pg_relation_filenode(c.oid) AS file,
           CASE WHEN c.relkind IN ('r', 'm') THEN
               (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM ONLY %s', c.oid::regclass), false, true, '')))[1]::text::bigint
           END AS rows
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'f');
CREATE FUNCTION measured.locks(backend int) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(name || ' ' || mode, ',' ORDER BY name, mode), '')
    FROM (SELECT DISTINCT k.name, l.mode FROM (/* what verify reads too */) l JOIN measured.known k ON k.oid = l.relation) t
$$;
CREATE FUNCTION measured.rewritten() RETURNS text LANGUAGE sql AS $$
    -- A file without rows is a table that was emptied.
    SELECT coalesce(string_agg(k.name, ',' ORDER BY k.name), '') FROM measured.known k
    WHERE k.relkind IN ('r', 'm') AND pg_relation_filenode(k.oid) <> k.file AND pg_relation_size(k.oid) > 0
$$;
CREATE FUNCTION measured.scanned() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(k.name, ',' ORDER BY k.name), '') FROM measured.known k
    WHERE k.rows > 0 AND pg_stat_get_xact_tuples_returned(k.oid) >= k.rows
$$;
