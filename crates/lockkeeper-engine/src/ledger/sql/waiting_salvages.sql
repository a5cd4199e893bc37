-- What is kept of migrations that stand again, whole, under their number or their name, and was not tried with them yet.
-- Tables before the columns that a later migration adds to them; within one, the last that went comes first.
SELECT s.id, a.seq AS into_seq
FROM lockkeeper.salvages s JOIN lockkeeper.migrations m ON m.seq = s.migration_seq
CROSS JOIN LATERAL (
    SELECT max(a.seq) AS seq FROM lockkeeper.migrations a
    WHERE a.state = 'applied' AND a.seq > m.seq AND (a.number = m.number OR a.name = m.name)) a
WHERE s.returned_at IS NULL AND a.seq IS NOT NULL AND a.seq IS DISTINCT FROM s.tried_into
ORDER BY a.seq, s.migration_seq, s.place DESC
