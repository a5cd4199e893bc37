-- Releases that went back or froze, by why and how far. A release that is rolled back by hand moves the schema alone.
SELECT coalesce(j.cause, 'hand') AS trigger,
       CASE j.rollback_class WHEN 'app only' THEN 'app' WHEN 'app + schema' THEN 'app_schema'
            WHEN 'freeze' THEN 'freeze' ELSE 'schema' END AS scope,
       r.state AS outcome, count(*) AS count
FROM lockkeeper.releases r LEFT JOIN lockkeeper.journeys j ON j.release_id = r.id
WHERE r.state IN ('rolled_back', 'frozen')
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
