# Alerts: what they say.

alert-breach = The health gate is broken: { $check } ({ $rule })
alert-breach-summary = The release does not hold. Whoever runs it decides whether it goes back; a release that lockkeeper runs goes back by itself.
alert-fact-actor = by
alert-fact-check = check
alert-fact-evidence = evidence
alert-fact-file = file
alert-fact-host = machine
alert-fact-migration = migration
alert-fact-next = next
alert-fact-point = rollback point
alert-fact-reason = reason
alert-fact-release = release
alert-fact-rule = rule
alert-fact-state = state
alert-fact-undone = undone
alert-fact-version = version
