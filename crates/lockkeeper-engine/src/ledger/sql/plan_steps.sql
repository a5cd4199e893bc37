-- The steps as they are planned now.
INSERT INTO lockkeeper.steps (migration_seq, direction, ordinal, statement, source, sql, run, settled, clear,
    fills_table, fills_column, fills_silently, take_back, take_back_alone, work, work_bytes)
SELECT $1, $2, p.*
FROM ROWS FROM (
    pg_catalog.unnest($3::int[]), pg_catalog.unnest($4::int[]), pg_catalog.unnest($5::text[]),
    pg_catalog.unnest($6::text[]), pg_catalog.unnest($7::text[]), pg_catalog.unnest($8::text[]),
    pg_catalog.unnest($9::text[]), pg_catalog.unnest($10::text[]), pg_catalog.unnest($11::text[]),
    pg_catalog.unnest($12::bool[]), pg_catalog.unnest($13::text[]), pg_catalog.unnest($14::bool[]),
    pg_catalog.unnest($15::text[]), pg_catalog.unnest($16::bigint[])
) AS p
