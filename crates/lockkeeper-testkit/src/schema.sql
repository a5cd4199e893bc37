-- A schema as lines of text, for a server that no pg_dump at hand is new enough for.
WITH ours AS (
    SELECT oid, nspname FROM pg_catalog.pg_namespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'lockkeeper') AND nspname !~ '^pg_(toast|temp)'
), lines (line) AS (
    SELECT format('SCHEMA %I ACL %s', nspname, (SELECT nspacl FROM pg_catalog.pg_namespace n WHERE n.oid = ours.oid)) FROM ours
    UNION ALL
    SELECT format('EXTENSION %I %s', extname, extversion) FROM pg_catalog.pg_extension
    UNION ALL
    SELECT format('RELATION %s %I.%I persistence %s partition %s of %s key %s rls %s/%s options %s owner %s acl %s',
        relkind, nspname, relname, relpersistence, pg_catalog.pg_get_expr(relpartbound, c.oid),
        (SELECT string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno) FROM pg_catalog.pg_inherits WHERE inhrelid = c.oid),
        CASE WHEN relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END,
        relrowsecurity, relforcerowsecurity, reloptions, pg_catalog.pg_get_userbyid(relowner), relacl)
    FROM pg_catalog.pg_class c JOIN ours ON ours.oid = relnamespace WHERE relkind NOT IN ('i', 'I')
    UNION ALL
    SELECT format('COLUMN %I.%I.%I %s not null %s default %s identity %s generated %s collation %s storage %s statistics %s acl %s',
        nspname, relname, attname, pg_catalog.format_type(atttypid, atttypmod), attnotnull,
        pg_catalog.pg_get_expr(adbin, adrelid), attidentity, attgenerated, attcollation::regcollation, attstorage, attstattarget, attacl)
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = attrelid JOIN ours ON ours.oid = relnamespace
    LEFT JOIN pg_catalog.pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped AND relkind NOT IN ('i', 'I', 'S')
    UNION ALL
    SELECT format('CONSTRAINT %I ON %s %s valid %s', conname, coalesce(nullif(conrelid, 0)::regclass::text, contypid::regtype::text),
        pg_catalog.pg_get_constraintdef(c.oid), convalidated)
    FROM pg_catalog.pg_constraint c JOIN ours ON ours.oid = connamespace
    UNION ALL
    SELECT format('INDEX %s valid %s clustered %s', pg_catalog.pg_get_indexdef(indexrelid), indisvalid, indisclustered)
    FROM pg_catalog.pg_index JOIN pg_catalog.pg_class c ON c.oid = indexrelid JOIN ours ON ours.oid = relnamespace
    UNION ALL
    SELECT format('VIEW %I.%I %s', nspname, relname, pg_catalog.pg_get_viewdef(c.oid))
    FROM pg_catalog.pg_class c JOIN ours ON ours.oid = relnamespace WHERE relkind IN ('v', 'm')
    UNION ALL
    SELECT format('SEQUENCE %I.%I %s %s %s %s %s %s', nspname, relname, seqtypid::regtype, seqstart, seqincrement, seqmin, seqmax, seqcycle)
    FROM pg_catalog.pg_sequence JOIN pg_catalog.pg_class c ON c.oid = seqrelid JOIN ours ON ours.oid = relnamespace
    UNION ALL
    SELECT format('FUNCTION %s acl %s', pg_catalog.pg_get_functiondef(p.oid), proacl)
    FROM pg_catalog.pg_proc p JOIN ours ON ours.oid = pronamespace WHERE prokind IN ('f', 'p')
    UNION ALL
    SELECT format('TRIGGER %s enabled %s', pg_catalog.pg_get_triggerdef(t.oid), tgenabled)
    FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = tgrelid JOIN ours ON ours.oid = relnamespace WHERE NOT tgisinternal
    UNION ALL
    SELECT format('POLICY %I ON %s %s %s %s using %s check %s', polname, polrelid::regclass, polcmd, polpermissive, polroles,
        pg_catalog.pg_get_expr(polqual, polrelid), pg_catalog.pg_get_expr(polwithcheck, polrelid))
    FROM pg_catalog.pg_policy JOIN pg_catalog.pg_class c ON c.oid = polrelid JOIN ours ON ours.oid = relnamespace
    UNION ALL
    SELECT format('ENUM %I.%I %s', nspname, typname, string_agg(enumlabel, ', ' ORDER BY enumsortorder))
    FROM pg_catalog.pg_enum JOIN pg_catalog.pg_type t ON t.oid = enumtypid JOIN ours ON ours.oid = typnamespace GROUP BY nspname, typname
    UNION ALL
    SELECT format('DOMAIN %I.%I %s not null %s default %s', nspname, typname, pg_catalog.format_type(typbasetype, typtypmod), typnotnull, typdefault)
    FROM pg_catalog.pg_type t JOIN ours ON ours.oid = typnamespace WHERE typtype = 'd'
    UNION ALL
    SELECT format('COMMENT ON %s %s', (pg_catalog.pg_identify_object(classoid, objoid, objsubid)).identity, description)
    FROM pg_catalog.pg_description
    WHERE (pg_catalog.pg_identify_object(classoid, objoid, objsubid)).schema IN (SELECT nspname FROM ours)
)
SELECT line FROM lines ORDER BY line COLLATE "C"
