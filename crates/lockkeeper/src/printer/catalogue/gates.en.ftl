# Gates that ask what was tried and what was measured, and waiving them.

## What was tried

gate-verified = verified as they are now
gate-verify-order = stage order and file order end in different schemas
gate-verify-order-unsure = whether stage order ends in the same schema could not be tried
gate-verify-unsound = not sound when they were tried: { $migrations }
gate-verify-unsure = could not be tried: { $migrations }
gate-verify-untried = not verified as they are now: { $migrations }
stage1-closed = stage 1 is closed: { $count ->
    [one] a gate says no
   *[other] { $count } gates say no
}
status-gates1 = Gates before stage 1

## What was measured

gate-health-before-deploy = the watch began before the deploy, and saw only { $seen } of what came after it
gate-health-healthy = healthy, watched by { $by } on { $host }
gate-health-inconclusive = the watch by { $by } on { $host } had not enough to judge by
gate-health-never = nobody has watched the release since its deploy
gate-health-no-checks = nothing is measured: [health] names no check
gate-health-old = the release was healthy { $age } ago; at most { $max } count
gate-health-stopped = the watch by { $by } on { $host } stopped before it said anything
gate-health-unhealthy = the watch by { $by } on { $host } saw that the release is not well
gate-health-watching = { $by } on { $host } is watching
next-health-configure = name a check in [health], or write health = "off" into [gates] of lockkeeper.toml

## Settings

settings-gates-age-zero = evidence that is always too old opens no gate: health_max_age must be more than zero
settings-gates-word = a gate is "required" or "off", not { $value }

## Waiting for an approval

approvers-none = nobody has the role lockkeeper-admin in { $path }
release-approvers = may approve: { $who }
release-approvers-nobody = nobody may approve: { $because }
release-cause-not-approved = nobody approved stage 2 in time
release-only-driving = --wait-approval belongs to release start and release resume
release-still-waits = still waiting, { $stayed } by now: { $missing }
release-waits-left = it has waited { $waited }; { $left } are left
release-waits-too-long = it has waited { $waited }, which is longer than [approval] wait_at_most
settings-approval-remind-zero = to remind without a pause is noise: remind_every must be more than zero
settings-approval-wait-zero = nobody approves in no time: wait_at_most must be more than zero
settings-on-expiry = on_expiry is "wait" or "rollback", not { $value }
settings-on-expiry-never = on_expiry = "rollback" needs a wait_at_most: nothing expires without it

## Waiving

approve-waives = the gate { $gate } is opened without what it asks for
gate-waived = waived by { $by }: { $reason }

## Reviews on GitHub

gate-approved-on-github = approved by { $by }, who is { $login } on GitHub: environment { $environment }, run { $run } of { $repository }
gate-not-reviewed = nobody has approved this plan: { $reason }
github-forbidden = GitHub does not let this job read the reviews of its run (status { $status }): it needs permissions: actions: read
github-none-yet = no review of the environment { $environment } since the release waits for one in this run
github-not-allowed = [approval.github] does not let { $login } approve, or names another environment
github-rejected = { $login } rejected the environment { $environment } in this run
github-status = GitHub answered with status { $status }
github-unknown-login = [approval.github] does not know { $login }, who approved on GitHub
github-unreachable = GitHub could not be asked: { $reason }
github-unreadable = what GitHub answered is no list of reviews
github-variable = { $name } is missing or unusable
next-review = approve the job on GitHub that runs lockkeeper release resume, in this same run, or sign: lockkeeper approve stage2 --reason "…"
settings-github-approver = an approver is a login and who that is; neither may be empty
settings-github-approvers = nobody could approve on GitHub: approvers must not be empty
settings-github-environment = environment must name the environment on GitHub whose reviews count
settings-github-twice = { $login } stands twice in approvers: GitHub tells no two logins apart by their case
