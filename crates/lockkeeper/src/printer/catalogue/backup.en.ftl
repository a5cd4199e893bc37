# Backups: the gate, the commands, what went wrong.

## The gate

age-days = { $count } days
age-hours = { $count } h
age-minutes = { $count } min
age-seconds = { $count } s
gate-backup = backup { $id }, { $age } ago, not verified
gate-backup-broken = backup { $id }, { $age } ago, did not stand its verification
gate-backup-old = the newest backup, { $id }, is { $age } old; at most { $max } are asked for
gate-backup-unverified = backup { $id }, { $age } ago, is not verified
gate-backup-verified = backup { $id }, { $age } ago, verified
gate-no-backup = there is no backup of this database
next-backup = lockkeeper backup create
next-backup-verify = lockkeeper backup verify

## Settings

settings-backup-command = a command is a list of the program and its arguments, and the program is missing
settings-backup-unverifiable = a verified backup is required, and nothing can verify one that `command` makes
settings-backup-zero = this must be more than zero
settings-hint-backup-unverifiable = set `verify_command`, or `verified = false`
