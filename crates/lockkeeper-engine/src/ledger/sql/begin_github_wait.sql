INSERT INTO lockkeeper.github_waits (release_id, plan_digest, repository, run_id, environment, attempt, approved_before,
    reviews, began_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT DO NOTHING
