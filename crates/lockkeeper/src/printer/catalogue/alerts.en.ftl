# Alerts: what they say, who gets them, and what became of them.

## What an alert says

alert-approval-given = The approval is given
alert-approval-used = Stage 2 has begun
alert-approval-waiting = Release { $release } waits for an approval
alert-approval-waiting-summary = The new code is out. Stage 2 begins only once an admin has read its plan and signed it.
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
alert-migration-failed = Migration { $number } failed
alert-migration-failed-summary = What it had done is undone, or recorded step by step; the release stands where it was. The status says what is recorded, what is not, and the next command.
alert-migrations-applied = The migration is applied
alert-over-summary = What was told before stands no longer.
alert-reason-server = { $what }: { $said } (SQLSTATE { $sqlstate })
alert-rolled-back = The release was rolled back
alert-rollback-failed = The rollback failed at migration { $number }
alert-rollback-failed-summary = What was undone before it stays undone, the failing script left nothing. A person is needed: mend the cause, then run the rollback again.
alert-rollback-finished = Rolled back to { $point }
alert-rollback-finished-summary = The schema is back at the rollback point.
alert-rollback-started = A rollback to { $point } has begun
alert-rollback-started-summary = Migrations are being undone, the last one first. What comes of it is told.
alert-test = This is a test of Lockkeeper's alerts
alert-test-summary = Nothing is wrong. Whoever reads this would be told of what happens to a release.
alert-title-opens = [{ $environment }] { $subject }
alert-title-reminds = [{ $environment }] Still: { $subject } (told { $told } times)
alert-title-resolves = [{ $environment }] Over: { $subject }
alert-title-tells = [{ $environment }] { $subject }

## What became of it

notify-answered = it answered { $status } { $said }
notify-column-kind = alert
notify-column-next = next try
notify-column-receiver = receiver
notify-column-since = since
notify-column-tries = tries
notify-column-why = why
notify-command-done = the command took it
notify-command-failed = the command failed, { $status }: { $said }
notify-command-not-started = { $program } could not be started: { $reason }
notify-cut-off = there was no time left
notify-delayed = alert { $kind } did not reach { $name }: { $why }; tried again in { $seconds } s
notify-delivered = alert { $kind } delivered to { $name }
notify-drained = { $delivered } alerts delivered, { $undelivered } are still waiting
notify-failed = it answered { $status } { $said }
notify-gave-up = given up
notify-given-up = alert { $kind } is given up for { $name }: { $why }
notify-later = alerts wait in the ledger for the next command or the watcher: { $reason }
notify-mail-failed = the mail was not taken: { $reason }
notify-mail-taken = the mail server took it: { $code } { $said }
notify-mail-unwritable = the mail cannot be written: { $reason }
notify-none = lockkeeper.toml names no receiver of alerts
notify-none-hint = name one in [[notify.slack]], [[notify.webhook]], [[notify.pagerduty]], [[notify.alertmanager]], [[notify.email]] or [[notify.command]]
notify-not-now = it asked to be left alone for now: { $status } { $said }
notify-nothing-waits = Every alert is delivered.
notify-only-test = names of receivers belong to notify test
notify-outbox = the outbox cannot be written
notify-refused = it refused: { $status } { $said }
notify-tested = { $name }: { $said }
notify-timed-out = it took longer than { $limit_ms } ms
notify-too-old = it waited too long
notify-unknown = there is no receiver { $name }; there are: { $known }
notify-unusable = { $name } cannot be reached from here: { $why }
notify-usable = { $name } ({ $kind })
status-alerts = { $waiting } alerts are not delivered and { $given_up } were given up: lockkeeper notify status

## What the settings say

settings-notify-header-unreadable = the variable { $name } holds no value of a header
settings-notify-key-unreadable = the variable { $name } holds no signing key: whsec_ and 24 to 64 bytes in base64
settings-notify-kind = no alert is called { $value }; those that are routed: { $known }
settings-notify-label = { $name } cannot be a label: it is one of ours, or no name for one
settings-notify-lang = there is no language { $value }: en or ko
settings-notify-mail-address = an address cannot be read, or nobody is written to
settings-notify-mail-halves = user and password_env belong together
settings-notify-mail-open = a password is not sent unprotected: tls is "starttls" or "implicit"
settings-notify-name = a receiver's name is made of letters, digits, -, _ and .
settings-notify-name-twice = two receivers are called { $name }
settings-notify-remind-zero = reminders without a pause would never end
settings-notify-run = a command needs a program
settings-notify-severity = there is no severity { $value }: info, warning or critical
settings-notify-timeout = a sending may take more than nothing and at most { $max_s } s
settings-notify-tls = there is no tls { $value }: starttls, implicit or off
settings-notify-unset = the variable { $name } is not set here
settings-notify-url = it needs url or url_env, and not both
settings-notify-url-unreadable = { $name } holds no address of the web
settings-notify-variable = the name of an environment variable belongs here, in capitals: what is secret does not stand in this file
