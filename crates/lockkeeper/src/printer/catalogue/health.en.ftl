# The health gate: what a rule saw, and why a watch says nothing.

## What a rule saw

health-seen-beside = { $errors } errors in { $requests } requests, beside { $old_errors } in { $old_requests }: by chance once in { $chance }
health-seen-errors = { $errors } errors in { $requests } requests, { $share }, against { $threshold }
health-seen-evidence = { $errors } errors in { $requests } requests, evidence { $evidence } of { $alarm }
health-seen-latency = the { $percentile }th percentile took { $took } ms, and { $bound } ms are its bound
health-seen-probes = { $failed } of { $made } probes failed

## Why there is nothing to judge

health-nothing-baseline = no baseline to compare with, or too thin a one
health-nothing-measured = nothing was measured
health-nothing-own-cpu = this process did not get the CPU in time, so what timed out may be its own fault
health-nothing-own-network = the witness cannot be reached either: the network is our own
health-nothing-thin = { $have } requests are too few to judge, { $need } are needed: send probe traffic, or watch longer
health-nothing-witness-silent = there were errors, and the witness was not asked after them

## Why a watch is not healthy

health-doubt-failing = { $check } is failing right now
health-doubt-no-requests = no check that binds counts requests, so there is no error rate
health-doubt-short = watched for { $watched } s, and { $need } s are the least
health-doubt-silent = { $check } has no data, or has had none for too long
health-doubt-thin = { $check } saw { $have } requests, and { $need } are the least: send probe traffic, or watch longer

## A watch

watch-busy = another process is watching: { $holder } on { $host }, process { $pid }, since { $since }
watch-busy-hint = stop it, or wait: a watcher that is gone loses its watch after { $seconds } s
watch-busy-unknown = another process is watching
watch-not-taken = the watch could not be taken
