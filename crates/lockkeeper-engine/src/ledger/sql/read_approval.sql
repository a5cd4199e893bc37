-- The newest approval of the open release that was not used.
SELECT a.id, a.release_id, a.plan_digest, a.principal, a.document, a.signature, a.reason,
       (extract(epoch FROM a.approved_at) * 1000000)::bigint AS approved_at,
       (extract(epoch FROM a.expires_at) * 1000000)::bigint AS expires_at
FROM lockkeeper.approvals a JOIN lockkeeper.releases r ON r.id = a.release_id
WHERE r.finished_at IS NULL AND a.used_at IS NULL ORDER BY a.id DESC LIMIT 1
