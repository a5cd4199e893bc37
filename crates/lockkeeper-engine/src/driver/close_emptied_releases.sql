-- A completed release of which nothing stands any more is a release that was rolled back.
UPDATE lockkeeper.releases r SET state = 'rolled_back'
WHERE r.state = 'completed'
  AND EXISTS (SELECT FROM lockkeeper.migrations m WHERE m.release_id = r.id)
  AND NOT EXISTS (SELECT FROM lockkeeper.migrations m WHERE m.release_id = r.id AND m.state <> 'rolled_back')
