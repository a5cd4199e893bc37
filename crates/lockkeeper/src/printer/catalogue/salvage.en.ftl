# What a rollback would lose, what it keeps, and how that goes back.

## Why values would be lost

loss-file-unknown = its file is gone or was changed, so that nobody knows what undoing it would lose
loss-heirs = other tables inherit from { $table }, and their rows cannot be told from its own
loss-key-goes = the primary key of { $table } goes as well, so that nothing would tell which row a value belongs to
loss-no-key = { $table } has no primary key, so that nothing would tell which row a value belongs to
loss-no-table = { $table } is no table of this database, so that its rows are not kept here
loss-no-way-back = there is no down script that could be read and holds a statement
loss-not-in-one = its down script does not run in one transaction, and values are kept only in the transaction that destroys them
loss-of-up = nothing brings back what the up script destroyed: it { $what }
loss-other = its down script { $what }, and only columns and tables are kept
loss-renamed = its down script renames what it touches, so that its names do not tell what goes
loss-row-security = row security hides rows of { $table } from this role
loss-search-path = its down script sets the search path and names tables without their schema
loss-too-large = with { $table }, { $mib } MiB would be copied while everybody waits; at most { $max } MiB are
loss-unknown = its tables could not be looked at ({ $why })
loss-unreadable = its down script cannot be read: it { $what }

## Keeping

effect-salvage = keeps what goes of { $table }
safe-salvage = kept in the transaction that destroys it
plan-undo-loses = undoing it would lose values: { $why }
plan-undo-salvaged = undoing it loses nothing: what the new code writes is kept and put back
progress-salvaged = { $table }: values of { $rows } rows are kept in { $kept_in }
rollback-keeps = keeps { $columns } of { $table } in the ledger's schema
rollback-keeps-table = keeps the rows of { $table } in the ledger's schema
rollback-loses = loses values for good: { $why }
rollback-would-lose = undoing { $number } would lose values for good: { $why }
rollback-would-lose-backup-hint = keep them elsewhere first: lockkeeper backup create
rollback-would-lose-flag-hint = or accept that they are lost: lockkeeper rollback { $point } --accept-loss --reason "…"
rollback-would-lose-why = the old code runs on the schema as it is: it is enough to roll the application back
salvage-tables-unreadable = the tables that would be destroyed could not be looked at

## Putting back

salvage-back = { $table }: { $returned } of { $rows } rows have their kept values back
salvage-drop-hint = when nobody needs the copy any more: DROP TABLE { $kept_in }
salvage-gone = { $count } of them belonged to rows that are no more; their values stay in { $kept_in }
salvage-kept = { $count } of them did not fit; they stay in { $kept_in }, each with the reason
salvage-left-out = { $table } has no place for { $columns }
salvage-look-hint = look at them: SELECT * FROM { $kept_in } WHERE "lockkeeper fate" IS DISTINCT FROM 'returned'
salvage-no-column = { $table } has no column that takes { $columns }
salvage-no-table = there is no { $table }
salvage-not-empty = { $table } has no primary key and holds rows already, which nothing tells from those that are kept
salvage-not-returned = rows of { $table } are held by others, and what was kept of them could not be put back
salvage-other-key = { $table } has another primary key
salvage-partly = not all of it has a place, and that stays in { $kept_in }: { $why }
salvage-refused = { $table } takes none of it: { $said } ({ $sqlstate })
salvage-sequence = the sequence of { $table }.{ $column } could not be set on to { $last }
salvage-stays = { $table }: kept values of { $rows } rows stay in { $kept_in }: { $why }
salvage-waits = { $table }: values of { $rows } rows are kept in { $kept_in } since { $at }, and go back when { $number } is applied again
status-salvages = Kept by rollbacks
