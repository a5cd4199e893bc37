# The health gate: what a rule saw, and why a watch says nothing.

## What a rule saw

health-seen-beside = { $errors } errors in { $requests } requests, beside { $old_errors } in { $old_requests }: by chance once in { $chance }
health-seen-errors = { $errors } errors in { $requests } requests, { $share } (95 % between { $low } and { $high } %), against { $threshold }
health-seen-evidence = { $errors } errors in { $requests } requests, evidence { $evidence } of { $alarm }
health-seen-latency = the { $percentile }th percentile took { $took } ms, and { $bound } ms are its bound
health-seen-probes = { $failed } of { $made } probes failed

## Why there is nothing to judge

health-nothing-baseline = no baseline to compare with, or too thin a one
health-nothing-bursty = errors come in bursts here, so that { $have } requests tell as much as { $worth } independent ones, and { $need } are needed: the detector judges
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

## What a source measured

probe-http-passed = { $status } in { $took_ms } ms from { $address }
probe-http-unmet = { $why } (after { $took_ms } ms, from { $address })
probe-http-failed = { $why } (at { $phase }, after { $after_ms } ms)
probe-http-failed-at = { $why } (at { $phase }, after { $after_ms } ms, { $address })
probe-value = { $name } { $value }
probe-value-fails = { $name } { $value } fails: { $bound }
probe-value-missing = { $name } has no value: { $why }
probe-value-passes = { $name } { $value } (fails { $bound })
probe-values = { $values }
probe-counters = { $errors } errors in { $requests } requests since the last time
probe-command-bare = the command said { $verdict }, and nothing else
probe-schema-ahead = the schema has migration { $number }, which nobody here knows: the program is older than it
probe-schema-at-head = the schema is at head
probe-schema-behind = the schema lacks migration { $number }
probe-schema-dirty = migration { $number } is half done, or is another one than here
probe-text = { $text }
probe-witness-missed = the witness cannot be reached: { $why }
probe-witness-reached = the witness was reached

## What was wrong with an answer

probe-http-slow = slower than { $max_ms } ms
probe-http-status = status { $status }, expected { $expected }
probe-body-has = the body contains "{ $text }"
probe-body-json-is = { $at } is { $found }, expected { $expected }
probe-body-json-missing = the body has nothing at { $at }
probe-body-json-present = there is { $found } at { $at }, and there must be nothing
probe-body-lacks = the body does not contain "{ $text }"
probe-body-mismatch = the body does not match { $regex }
probe-body-not-json = the body is not JSON: { $reason }

## What was wrong with a target

probe-database-failed = the database did not answer: { $reason }
probe-database-refused = the database did not let us in: { $why }
probe-database-timed-out = the database did not answer within { $limit_ms } ms
probe-fault-body-too-long = the body is longer than { $max } bytes
probe-fault-certificate = the certificate is not trusted: { $reason }
probe-fault-certificate-dates = the certificate has run out or is not valid yet: { $reason }
probe-fault-certificate-name = the certificate is made out to another name: { $reason }
probe-fault-closed-early = the connection was closed before the answer was whole
probe-fault-host-unknown = the name { $host } cannot be looked up: { $reason }
probe-fault-protocol = the answer is not HTTP: { $reason }
probe-fault-refused = the connection was refused
probe-fault-reset = the connection was reset
probe-fault-timed-out = no answer within { $limit_ms } ms
probe-fault-tls = the TLS handshake failed: { $reason }
probe-fault-unreachable = it cannot be reached: { $reason }

## Why a source has no data

probe-certificate-unreadable = the server showed no certificate that can be read
probe-counters-first = the counters were read for the first time: there is nothing to compare them with yet
probe-counters-no-errors = the metric { $name } is not there at all: set it to 0 when the application starts, or mend its name
probe-counters-no-series = no series matches { $selector }
probe-counters-nonsense = { $errors } errors among { $requests } requests: they were not counted together
probe-counters-not-counter = { $at } is { $value }, which no counter can be
probe-counters-several = an older process answered than the last time: several stand behind one address, and each counts for itself
probe-counters-too-many = there are more than { $max } series
probe-counters-twice = the series { $name } is there twice
probe-command-no-value = the command told no value, and there is a bound for one
probe-database-hidden = the role may not look into { $count } sessions: grant it pg_monitor
probe-database-no-standby = no standby is connected
probe-database-null = the server does not say
probe-schema-unreadable = the role may not read the ledger
probe-host-first = what is counted over time was read for the first time: there is nothing to compare it with yet
probe-host-no-cgroup = without control groups of version 2: measured against the whole machine
probe-host-no-listener = no process listens on port { $port }
probe-host-no-pid-file = there is no pid file { $path }
probe-host-no-pressure = the kernel does not tell pressure
probe-host-no-process = there is no process { $pid }
probe-promql-empty = the query selects no series
probe-promql-partial = the answer is partial: some stores were silent
probe-promql-several = the query selects { $count } series, and one is wanted: aggregate them
probe-promql-type = the query answers a { $kind }, and a number is wanted
probe-promql-warning = Prometheus warns: { $warning }

## Why a measurement could not be made

probe-not-a-number = { $value } is not a number
probe-host-hidden = who listens on port { $port } cannot be seen: run as the same user, or as root
probe-host-unreadable = { $path } cannot be read: { $reason }
probe-own-descriptors = this process has no file descriptors left: { $reason }
probe-own-network = this machine has no network: { $reason }
probe-own-ports = this machine has no local port left: { $reason }
probe-own-refused = this machine refused the probe: { $reason }
probe-own-resolver = the name { $host } cannot be looked up, because this machine's resolver does not answer: { $reason }
probe-own-roots = the trusted authorities in { $path } cannot be read: { $reason }
probe-own-roots-system = this machine has no trusted authorities
probe-command-failed = the command ended with { $status }: { $stderr }
probe-command-halves = the command told only one of requests and errors
probe-command-not-started = the command { $program } cannot be started: { $reason }
probe-command-timed-out = the command did not end within { $limit_ms } ms and was killed
probe-command-too-long = the command wrote more than { $max } bytes
probe-command-unreadable = the command's answer is not the JSON that is wanted: { $reason }
probe-command-verdict = the command's verdict is "{ $verdict }": pass, fail, no_data and probe_error are known
probe-counters-unreadable = line { $line } of the metrics cannot be read: { $reason }
probe-promql-error = Prometheus refused the query ({ $status }): { $error }
probe-promql-unreadable = the answer is not that of a Prometheus server
probe-source-failed = the source did not answer: { $why }
probe-source-status = the source answered with status { $status }

## A watch

watch-breach-began = { $check } by { $rule } at { $at }, { $seconds } s after the watch began
watch-breach-deployed = { $check } by { $rule } at { $at }, { $seconds } s after the deploy
watch-for-short = { $seconds } s are less than the { $need } s that a healthy watch takes: it can only end unhealthy or inconclusive
watch-near = { $check } is failing: { $left } more in a row, and { $rule } breaches
watch-nothing-judged = nothing was judged yet
watch-data-again = { $check } has data again
watch-fails = { $check } breaches: { $evidence }
watch-ledger-was-away = the ledger could not be written for { $seconds } s, since { $since }
watch-measured = { $check } { $verdict } in { $ms } ms: { $said }
watch-no-data = { $check } has nothing to judge by: { $evidence }
watch-no-data-for = no data for { $seconds } s
watch-recovered = { $check } is well again: { $evidence }
watch-reload-refused = lockkeeper.toml is broken, and the watch goes by what it had
watch-reloaded = lockkeeper.toml was read again: the watch goes by it from now on
watch-trouble = this watcher is not well and judges nobody: { $evidence }
watch-trouble-over = this watcher is well again
watch-began = watching since { $since }
watch-breached = breach: { $evidence }
watch-command-failed = the command that was to follow the breach failed: { $reason }
watch-dead = nobody is watching: { $holder } on { $host }, process { $pid }, was last heard of { $seconds } s ago
watch-ended = the watch says { $verdict }
watch-judged = { $check } { $rule } { $verdict } ({ $failures } of { $of }): { $evidence }
watch-ledger-unreachable = the ledger cannot be written, and the watch goes on: { $reason }
watch-next = the next judgement is due in { $seconds } s
watch-none = nobody has watched yet
watch-none-hint = lockkeeper health start
watch-over = the watch ended at { $at }: { $verdict }
watch-resumed = going on with the watch that began at { $since }
watch-runs = { $holder } on { $host }, process { $pid }, has been watching since { $since }; last heard of { $seconds } s ago
watch-trend = { $check } { $trend } { $errors } errors in { $requests } requests, { $share }
watch-busy = another process is watching: { $holder } on { $host }, process { $pid }, since { $since }
watch-busy-hint = stop it, or wait: a watcher that is gone loses its watch after { $seconds } s
watch-busy-unknown = another process is watching
watch-lost = another process has taken this watch over
watch-lost-hint = this process slept, or could not reach the database for too long
watch-not-saved = the watch could not be written down
watch-not-taken = the watch could not be taken

## A check

baseline-not-kept = nothing was kept: --save-baseline keeps it for the release and the watch that follow
baseline-not-saved = the baseline could not be written down
baseline-saved = baseline { $number }: { $seconds } s are kept as what is normal, for the release and the watch that follow
health-baseline-for = a baseline needs a time to be measured in: --for 2m
health-check-unknown = { $name } is no name of a check
metrics-not-served = metrics cannot be served at { $address }: { $reason }
health-option = { $option } belongs to health { $action }
preflight-hint = lockkeeper health check --for 2m --save-baseline
preflight-missing = nobody has measured how the system was before the deploy
preflight-old = the baseline is { $hours } hours old: what is normal may be something else by now
preflight-thin = the baseline has too little to judge by
preflight-unwell = the system was unwell { $minutes } minutes ago, before the deploy: rolling back could not mend it
health-column-check = CHECK
health-column-row = ROW
health-column-rule = RULE
health-column-said = MEASURED
health-column-took = TOOK
health-column-verdict = VERDICT
health-no-checks = there is nothing to check
health-no-checks-hint = write a [[health.http]] into lockkeeper.toml, with a name and a url
health-probes-thin = { $check }: { $probes } probes in { $seconds } s are too few for the floor, which needs { $need }: set every to less

## Its settings

settings-health-beside = there is no check { $name } to compare with
settings-health-bound = a bound says what fails: a comparison and a number, as in "> 0.9"
settings-health-consecutive = at least one failure in a row
settings-health-error-rate = an error rate is a percentage above 0, as in "5%"
settings-health-every = at least every 20 ms
settings-health-family = a family of addresses is "ipv4" or "ipv6"
settings-health-header = HTTP has no such header
settings-health-header-unfit = the variable { $env } holds what no header { $header } can be: a line end, for example
settings-health-header-unset = the variable { $env } is not set, and the header { $header } is made of it
settings-health-header-value = a header is a text, or {"{"} env = "NAME", prefix = "Bearer " {"}"}
settings-health-json-bool = { $word } is true or false
settings-health-json-empty = a condition says what has to be there, as in {"{"} below = 100 {"}"}
settings-health-json-number = { $word } compares with a number
settings-health-json-text = { $word } is a regular expression, as a text
settings-health-json-value = JSON has no such value
settings-health-json-word = there is no condition { $word }: above, below, min, max, equals, not, matches, present
settings-health-latency = the rule needs its numbers: latency = {"{"} percentile = 95, factor = 2 {"}"}
settings-health-method = a method is GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS
settings-health-method-head = what answers HEAD has no body, and there are conditions on it
settings-health-metrics = an address to serve metrics at has an IP address and a port: "127.0.0.1:9187"
settings-health-name = a name has lower-case letters, digits, "-", "_" and ".", 63 at most
settings-health-name-twice = there are two checks { $name }
settings-health-no-data = { $value } is no policy: hold, pass or fail
settings-health-pid = a process has a number above 0
settings-health-pointer = a place in JSON begins with "/", as in "/database/status"
settings-health-port = a port is a number above 0
settings-health-process = a process has exactly one of pid, pid_file and port
settings-health-regex = the regular expression cannot be read: { $reason }
settings-health-role = { $value } is no role: judged, advisory or baseline
settings-health-rule = there is no rule { $name }: floor, hard-down, detector, relative, latency, threshold
settings-health-run = a command has at least a program
settings-health-schema = { $value } is no state of a schema that can fail: behind, ahead, dirty
settings-health-selector = a selector is a metric's name and its labels, as Prometheus writes them
settings-health-status = a status is a code, a class or a range: "200, 2xx, 200-204"
settings-health-timeout = a time-out is above 0
settings-health-tls-plain = only https has a certificate
settings-health-tls-zero = a certificate needs some time, as in "14d"
settings-health-url = no URL that can be probed: { $reason }
settings-health-url-credentials = a user or a password does not belong into it
settings-health-url-scheme = only http and https
settings-health-url-unreadable = it cannot be read
settings-health-value = there is no value { $name } here
settings-health-values = there are { $names }
settings-health-witness = a witness is a host and a port, or a URL
