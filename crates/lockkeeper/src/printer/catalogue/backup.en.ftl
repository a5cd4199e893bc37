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

## Making one

backup-began = a backup into { $path } begins, with { $program }
backup-beside = { $holder } is at work on this database ({ $doing }): the backup shows the moment at which it begins, and each may make the other wait
backup-directory-and-command = backups are made by the command of lockkeeper.toml, and it decides where they are: --directory has no meaning
backup-dump-failed = { $program } failed ({ $status }):
    { $said }
backup-dumping = { $begun } of { $tables } tables begun, { $size } written, { $rate }/s, { $seconds } s
backup-folder-trouble = { $path }: { $reason }
backup-hashing = every file is read for its checksum ({ $size })
backup-hook-failed = the backup command failed ({ $status }):
    { $said }
backup-hook-no-answer = the backup command ended well, and no line of its standard output says what it made
backup-hook-no-answer-hint = the last line has to be JSON: { "{" }"id": "…", "size": 123, "location": "…"{ "}" }; size and location may be left out
backup-in-repository = { $path } is inside of a git repository and not ignored: a backup with all data would be committed sooner or later
backup-in-repository-hint = choose a folder elsewhere, or add this one to .gitignore
backup-little-room = only { $free } are free, and the database takes { $database }; a dump is compressed and without indexes, so it may fit
backup-lock = { $program } did not get a lock that it needs:
    { $said }
backup-lock-hint = somebody changes the schema at this moment: try again when that is over, or let it wait longer (backup.lock_wait in lockkeeper.toml)
backup-made = backup { $id }: { $location }, { $size } in { $seconds } s
backup-made-next = Prove it: lockkeeper backup verify
backup-made-of = { $tables } tables with { $rows } rows, at { $wal } in the WAL
backup-no-directory = nobody said where backups go
backup-no-directory-hint = lockkeeper backup create --directory FOLDER, or backup.directory in lockkeeper.toml
backup-not-read = the database could not be read for the backup
backup-not-recorded = the backup stands whole at { $path } and is not recorded: `lockkeeper backup verify --folder` proves it
backup-nothing-left = nothing is left of the backup
backup-pooled = backups do not go through a pooler: every connection of pg_dump has to keep its session and its snapshot
backup-pooled-hint = name the server itself (DB_HOST, DB_PORT, or --host and --port)
backup-program-not-started = { $program } could not be started: { $reason }
backup-program-timed-out = { $program } took longer than { $seconds } s and was ended
backup-removed = { $count ->
    [one] a half-made backup of a run that was killed is removed
   *[other] { $count } half-made backups of runs that were killed are removed
}
backup-table-not-read = the rows of { $table } could not be read for the backup
backup-tables-filtered = policies hide rows of { $count ->
    [one] a table
   *[other] { $count } tables
} from { $user }, and a backup without them is none: { $tables }
backup-tables-filtered-hint = ALTER ROLE { $user } BYPASSRLS, or back up as the owner
backup-tables-forbidden = { $user } may not read { $count ->
    [one] this table or sequence
   *[other] these { $count } tables and sequences
}: { $tables }
backup-tables-forbidden-hint = GRANT pg_read_all_data TO { $user }
client-program-hint = install the client of PostgreSQL { $major } or newer (Debian: apt install postgresql-client-{ $major }), or say where { $name } is: backup.pg_dump in lockkeeper.toml
client-program-missing = { $program } was not found
client-program-older = { $program } is of PostgreSQL { $found } and refuses a server of { $server }: it has to be as new or newer
client-program-system-roots = { $program } is of PostgreSQL { $found } and takes sslrootcert=system for the name of a file
client-program-system-roots-hint = use a client of PostgreSQL 16 or newer, or name the file with the authorities

## List

backup-column-age = AGE
backup-column-id = ID
backup-column-location = LOCATION
backup-column-size = SIZE
backup-column-state = STATE
backup-column-verified = VERIFIED
backup-list-empty = no backup is recorded
backup-state-altered = { $count ->
    [one] ALTERED: one file
   *[other] ALTERED: { $count } files
}
backup-state-gone = GONE
backup-state-other-database = of another database
backup-state-present = present
backup-state-unknown = elsewhere
backup-verified-fail = FAILED { $at } ({ $how })
backup-verified-never = never
backup-verified-no-data = inconclusive { $at } ({ $how })
backup-verified-pass = { $at } ({ $how })

## Verifying

backup-comparing = table { $table } of { $tables } is compared
backup-file-added = { $file } was not there when the backup was made
backup-file-altered = { $file } is not what was written
backup-file-missing = { $file } is missing
backup-folder-missing = backup { $id } is not at { $path } on this machine; it was made on { $host }
backup-folder-missing-hint = say where it is now: lockkeeper backup verify ID --folder FOLDER
backup-hook-not-verified = backup { $id } did not stand the command that verifies it ({ $status })
backup-hook-unverifiable = backup { $id } was made by a command of yours, and there is none that verifies it
backup-hook-unverifiable-hint = set backup.verify_command in lockkeeper.toml
backup-hook-verified = backup { $id } stood the command that verifies it
backup-inconclusive = backup { $id } could not be proven: its files are whole, and it could not be restored here
backup-lacks-extensions = the server to restore on does not have: { $extensions }
backup-large-objects-differ = large objects: { $recorded } were dumped, { $restored } are restored, or they are not the same
backup-not-restored = pg_restore did not restore it:
backup-restored = restoring, { $seconds } s
backup-restoring = its files are whole; it is restored at { $place }, { $jobs } tables at a time
backup-rows-differ = { $table }: { $recorded } rows were dumped, { $restored } are restored
backup-sequence-behind = { $sequence } was at { $recorded } and is restored to { $restored }: it would give numbers twice
backup-sound = backup { $id } is whole: { $tables } tables with { $rows } rows restored, every value compared, in { $seconds } s
backup-sound-counts = backup { $id } is whole: { $tables } tables with { $rows } rows restored and counted, in { $seconds } s
backup-table-added = { $table } is restored and was not there
backup-table-missing = { $table } is not restored
backup-unknown = there is no backup { $id }
backup-unknown-hint = lockkeeper backup list
backup-unsound = backup { $id } IS NOT WHOLE
backup-values-differ = { $table }: as many rows as were dumped, { $rows }, and not the same
