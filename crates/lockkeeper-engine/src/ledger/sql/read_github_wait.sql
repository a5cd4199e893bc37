SELECT w.reviews FROM lockkeeper.github_waits w
WHERE w.release_id = $1 AND w.plan_digest = $2 AND w.repository = $3 AND w.run_id = $4 AND w.environment = $5
