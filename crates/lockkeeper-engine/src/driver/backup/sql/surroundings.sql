-- What a database has to have around it for this one to be restored.
SELECT pg_catalog.pg_encoding_to_char(d.encoding)::text AS encoding, d.datcollate::text AS collate, d.datctype::text AS ctype,
       ARRAY(SELECT e.extname::text FROM pg_catalog.pg_extension e WHERE e.extname <> 'plpgsql' ORDER BY 1) AS extensions,
       ARRAY(SELECT r.rolname::text FROM pg_catalog.pg_roles r
             WHERE r.oid IN (SELECT pg_catalog.unnest(p.polroles) FROM pg_catalog.pg_policy p)
                OR r.rolname IN (SELECT m.usename FROM pg_catalog.pg_user_mappings m) ORDER BY 1) AS roles
FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
