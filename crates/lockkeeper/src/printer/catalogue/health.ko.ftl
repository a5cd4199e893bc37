# 상태 게이트: 규칙이 본 것, 그리고 판정하지 못하는 까닭.

## 규칙이 본 것

health-seen-beside = 요청 { $requests }건 중 오류 { $errors }건, 이전 버전은 { $old_requests }건 중 { $old_errors }건: 우연이라면 { $chance }번에 한 번입니다
health-seen-errors = 요청 { $requests }건 중 오류 { $errors }건, { $share } (95 % 신뢰 구간 { $low }~{ $high } %), 기준은 { $threshold }
health-seen-evidence = 요청 { $requests }건 중 오류 { $errors }건, 증거 { $evidence } / { $alarm }
health-seen-latency = 백분위수 { $percentile }은(는) { $took } ms, 한계는 { $bound } ms
health-seen-probes = 프로브 { $made }번 중 { $failed }번 실패

## 판정할 것이 없는 까닭

health-nothing-baseline = 비교할 기준선이 없거나 너무 적습니다
health-nothing-bursty = 여기서는 오류가 몰려오므로 요청 { $have }건이 독립인 요청 { $worth }건만큼만 말해 줍니다. { $need }건이 필요하며, 판정은 detector가 합니다
health-nothing-measured = 측정된 것이 없습니다
health-nothing-own-cpu = 이 프로세스가 제때 CPU를 얻지 못했으므로, 시간 초과는 자신의 탓일 수 있습니다
health-nothing-own-network = 증인에도 연결되지 않습니다: 이쪽 네트워크의 문제입니다
health-nothing-thin = 요청 { $have }건으로는 판정할 수 없습니다. { $need }건이 필요합니다: 프로브를 더 보내거나 더 오래 지켜보세요
health-nothing-witness-silent = 오류가 있었지만, 그 뒤에 증인에게 묻지 않았습니다

## 정상이라고 할 수 없는 까닭

health-doubt-failing = { $check }이(가) 지금 실패하고 있습니다
health-doubt-no-requests = 구속력 있는 점검 가운데 요청을 세는 것이 없어 오류율이 없습니다
health-doubt-short = { $watched }초 동안 지켜보았습니다. 적어도 { $need }초가 필요합니다
health-doubt-silent = { $check }에 데이터가 없거나, 너무 오래 없었습니다
health-doubt-thin = { $check }이(가) 본 요청은 { $have }건이고, 적어도 { $need }건이 필요합니다: 프로브를 더 보내거나 더 오래 지켜보세요

## 소스가 측정한 것

probe-http-passed = { $address }에서 { $took_ms } ms 만에 { $status }
probe-http-unmet = { $why } ({ $took_ms } ms 후, { $address })
probe-http-failed = { $why } ({ $phase } 단계, { $after_ms } ms 후)
probe-http-failed-at = { $why } ({ $phase } 단계, { $after_ms } ms 후, { $address })
probe-value = { $name } { $value }
probe-value-fails = { $name } { $value } 실패: { $bound }
probe-value-missing = { $name } 값이 없습니다: { $why }
probe-value-passes = { $name } { $value } (실패 조건 { $bound })
probe-values = { $values }
probe-counters = 지난번 이후 요청 { $requests }건 중 오류 { $errors }건
probe-command-bare = 명령의 답은 { $verdict }뿐입니다
probe-schema-ahead = 스키마에 이쪽이 모르는 마이그레이션 { $number }이(가) 있습니다: 프로그램이 더 오래되었습니다
probe-schema-at-head = 스키마가 최신입니다
probe-schema-behind = 스키마에 마이그레이션 { $number }이(가) 없습니다
probe-schema-dirty = 마이그레이션 { $number }이(가) 하다 말았거나 이쪽의 것과 다릅니다
probe-text = { $text }
probe-witness-missed = 증인에 연결되지 않습니다: { $why }
probe-witness-reached = 증인에 연결되었습니다

## 응답의 문제

probe-http-slow = { $max_ms } ms보다 느립니다
probe-http-status = 상태 { $status }, 기대한 값은 { $expected }
probe-body-has = 본문에 "{ $text }"이(가) 있습니다
probe-body-json-is = { $at }은(는) { $found }, 기대한 값은 { $expected }
probe-body-json-missing = 본문의 { $at }에 아무것도 없습니다
probe-body-json-present = { $at }에 아무것도 없어야 하는데 { $found }가 있습니다
probe-body-lacks = 본문에 "{ $text }"이(가) 없습니다
probe-body-mismatch = 본문이 { $regex }과(와) 맞지 않습니다
probe-body-not-json = 본문이 JSON이 아닙니다: { $reason }

## 대상의 문제

probe-database-failed = 데이터베이스가 답하지 않았습니다: { $reason }
probe-database-refused = 데이터베이스에 접속하지 못했습니다: { $why }
probe-database-timed-out = 데이터베이스가 { $limit_ms } ms 안에 답하지 않았습니다
probe-fault-body-too-long = 본문이 { $max }바이트보다 깁니다
probe-fault-certificate = 인증서를 신뢰할 수 없습니다: { $reason }
probe-fault-certificate-dates = 인증서가 만료되었거나 아직 유효하지 않습니다: { $reason }
probe-fault-certificate-name = 인증서가 다른 이름으로 발급되었습니다: { $reason }
probe-fault-closed-early = 응답이 끝나기 전에 연결이 닫혔습니다
probe-fault-host-unknown = 이름 { $host }을(를) 찾을 수 없습니다: { $reason }
probe-fault-protocol = 응답이 HTTP가 아닙니다: { $reason }
probe-fault-refused = 연결이 거부되었습니다
probe-fault-reset = 연결이 재설정되었습니다
probe-fault-timed-out = { $limit_ms } ms 안에 응답이 없습니다
probe-fault-tls = TLS 핸드셰이크에 실패했습니다: { $reason }
probe-fault-unreachable = 연결할 수 없습니다: { $reason }

## 데이터가 없는 까닭

probe-certificate-unreadable = 서버가 보인 인증서를 읽을 수 없습니다
probe-counters-first = 카운터를 처음 읽었으므로 아직 비교할 것이 없습니다
probe-counters-no-errors = 메트릭 { $name }이(가) 아예 없습니다: 애플리케이션이 시작할 때 0으로 두거나 이름을 고치세요
probe-counters-no-series = { $selector }에 맞는 시계열이 없습니다
probe-counters-nonsense = 요청 { $requests }건에 오류 { $errors }건: 함께 센 것이 아닙니다
probe-counters-not-counter = { $at }은(는) { $value }, 카운터의 값일 수 없습니다
probe-counters-several = 지난번보다 먼저 시작한 프로세스가 답했습니다: 한 주소 뒤에 여러 프로세스가 있고 저마다 따로 셉니다
probe-counters-too-many = 시계열이 { $max }개보다 많습니다
probe-counters-twice = 시계열 { $name }이(가) 두 번 나옵니다
probe-command-no-value = 명령이 값을 알리지 않았습니다. 한계가 정해져 있습니다
probe-database-hidden = 역할이 세션 { $count }개를 들여다볼 수 없습니다: pg_monitor를 부여하세요
probe-database-no-standby = 연결된 스탠바이가 없습니다
probe-database-null = 서버가 알려 주지 않습니다
probe-schema-unreadable = 역할이 원장을 읽을 수 없습니다
probe-host-first = 시간에 따라 세는 값을 처음 읽었으므로 아직 비교할 것이 없습니다
probe-host-no-cgroup = 버전 2 컨트롤 그룹이 없어 컴퓨터 전체를 기준으로 측정했습니다
probe-host-no-listener = 포트 { $port }에서 수신하는 프로세스가 없습니다
probe-host-no-pid-file = pid 파일 { $path }이 없습니다
probe-host-no-pressure = 커널이 압력 정보를 알려 주지 않습니다
probe-host-no-process = 프로세스 { $pid }이(가) 없습니다
probe-promql-empty = 쿼리에 맞는 시계열이 없습니다
probe-promql-partial = 답이 일부뿐입니다: 답하지 않은 저장소가 있습니다
probe-promql-several = 쿼리에 맞는 시계열이 { $count }개입니다. 하나여야 합니다: 집계하세요
probe-promql-type = 쿼리의 답이 { $kind }입니다. 수여야 합니다
probe-promql-warning = Prometheus의 경고: { $warning }

## 측정하지 못한 까닭

probe-not-a-number = { $value }은(는) 수가 아닙니다
probe-host-hidden = 포트 { $port }에서 수신하는 프로세스를 볼 수 없습니다: 같은 사용자나 root로 실행하세요
probe-host-unreadable = { $path }을(를) 읽을 수 없습니다: { $reason }
probe-own-descriptors = 이 프로세스에 남은 파일 디스크립터가 없습니다: { $reason }
probe-own-network = 이 컴퓨터가 네트워크에 연결되어 있지 않습니다: { $reason }
probe-own-ports = 이 컴퓨터에 남은 로컬 포트가 없습니다: { $reason }
probe-own-refused = 이 컴퓨터가 프로브를 거부했습니다: { $reason }
probe-own-resolver = 이 컴퓨터의 이름 서버가 답하지 않아 { $host }을(를) 찾아볼 수 없습니다: { $reason }
probe-own-roots = { $path }의 신뢰할 인증 기관을 읽을 수 없습니다: { $reason }
probe-own-roots-system = 이 컴퓨터에 신뢰할 인증 기관이 없습니다
probe-command-failed = 명령이 { $status }(으)로 끝났습니다: { $stderr }
probe-command-halves = 명령이 requests와 errors 중 하나만 알렸습니다
probe-command-not-started = 명령 { $program }을(를) 시작할 수 없습니다: { $reason }
probe-command-timed-out = 명령이 { $limit_ms } ms 안에 끝나지 않아 강제로 끝냈습니다
probe-command-too-long = 명령이 { $max }바이트보다 많이 출력했습니다
probe-command-unreadable = 명령의 답이 약속된 JSON이 아닙니다: { $reason }
probe-command-verdict = 명령의 판정이 "{ $verdict }"입니다: pass, fail, no_data, probe_error만 쓸 수 있습니다
probe-counters-unreadable = 메트릭의 { $line }번째 줄을 읽을 수 없습니다: { $reason }
probe-promql-error = Prometheus가 쿼리를 거부했습니다({ $status }): { $error }
probe-promql-unreadable = Prometheus 서버의 답이 아닙니다
probe-source-failed = 소스가 답하지 않았습니다: { $why }
probe-source-status = 소스가 상태 { $status }(으)로 답했습니다

## 감시

watch-breach-began = { $check }, 규칙 { $rule }, { $at }, 감시를 시작하고 { $seconds }초 뒤
watch-breach-deployed = { $check }, 규칙 { $rule }, { $at }, 배포하고 { $seconds }초 뒤
watch-for-short = { $seconds }초는 정상으로 끝나는 데 드는 { $need }초보다 짧습니다. 비정상이나 판정 불가로만 끝날 수 있습니다
watch-near = { $check } 실패 중: 연속으로 { $left }번 더 실패하면 { $rule } 위반입니다
watch-nothing-judged = 아직 판정한 것이 없습니다
watch-data-again = { $check }의 데이터가 다시 들어옵니다
watch-fails = { $check } 위반: { $evidence }
watch-ledger-was-away = { $since }부터 { $seconds }초 동안 원장에 쓸 수 없었습니다
watch-measured = { $check } { $verdict }, { $ms } ms: { $said }
watch-no-data = { $check }에 판정할 것이 없습니다: { $evidence }
watch-no-data-for = { $seconds }초 동안 데이터가 없습니다
watch-recovered = { $check }이(가) 다시 정상입니다: { $evidence }
watch-reload-refused = lockkeeper.toml이 잘못되어, 감시는 지금까지의 설정을 따릅니다
watch-reloaded = lockkeeper.toml을 다시 읽었습니다. 이제부터 이 설정을 따릅니다
watch-trouble = 이 감시자 자신이 정상이 아니어서 아무도 판정하지 않습니다: { $evidence }
watch-trouble-over = 이 감시자가 다시 정상입니다
watch-began = { $since }부터 감시합니다
watch-breached = 위반: { $evidence }
watch-command-failed = 위반 뒤에 실행할 명령이 실패했습니다: { $reason }
watch-dead = 아무도 감시하고 있지 않습니다: { $host }의 { $holder }, 프로세스 { $pid }의 마지막 소식은 { $seconds }초 전입니다
watch-ended = 감시의 판정: { $verdict }
watch-judged = { $check } { $rule } { $verdict } ({ $failures }/{ $of }): { $evidence }
watch-ledger-unreachable = 원장에 쓸 수 없지만 감시는 계속합니다: { $reason }
watch-next = 다음 판정은 { $seconds }초 뒤입니다
watch-none = 아직 아무도 감시하지 않았습니다
watch-none-hint = lockkeeper health start
watch-over = 감시가 { $at }에 끝났습니다: { $verdict }
watch-resumed = { $since }에 시작한 감시를 이어 갑니다
watch-runs = { $host }의 { $holder }, 프로세스 { $pid }이(가) { $since }부터 감시하고 있습니다. 마지막 소식은 { $seconds }초 전입니다
watch-trend = { $check } { $trend } 요청 { $requests }건 중 오류 { $errors }건, { $share }
watch-busy = 다른 프로세스가 감시하고 있습니다: { $host }의 { $holder }, 프로세스 { $pid }, { $since }부터
watch-busy-hint = 그것을 멈추거나 기다리세요: 사라진 감시자는 { $seconds }초 뒤에 감시를 잃습니다
watch-busy-unknown = 다른 프로세스가 감시하고 있습니다
watch-lost = 다른 프로세스가 이 감시를 넘겨받았습니다
watch-lost-hint = 이 프로세스는 잠들어 있었거나 너무 오래 데이터베이스에 연결하지 못했습니다
watch-not-saved = 감시를 기록할 수 없었습니다
watch-not-taken = 감시를 시작할 수 없었습니다

## 점검

baseline-not-kept = 아무것도 남기지 않았습니다. --save-baseline을 주면 뒤따르는 릴리스와 감시를 위해 남깁니다
baseline-not-saved = 기준선을 기록하지 못했습니다
baseline-saved = 기준선 { $number }: { $seconds }초를 평상시로 남겼습니다. 뒤따르는 릴리스와 감시가 씁니다
health-baseline-for = 기준선은 잴 시간이 필요합니다: --for 2m
health-check-unknown = { $name }은(는) 점검의 이름이 아닙니다
metrics-not-served = { $address }에서 지표를 제공할 수 없습니다: { $reason }
health-option = { $option }은(는) health { $action }에 씁니다
preflight-hint = lockkeeper health check --for 2m --save-baseline
preflight-missing = 배포 전에 시스템이 어땠는지 아무도 재지 않았습니다
preflight-old = 기준선이 { $hours }시간 전의 것입니다. 그사이 평상시가 달라졌을 수 있습니다
preflight-thin = 기준선에 판정할 것이 너무 적습니다
preflight-unwell = 시스템이 배포 전인 { $minutes }분 전에 이미 정상이 아니었습니다. 롤백해도 나아지지 않습니다
health-column-check = 점검
health-column-row = 연속
health-column-rule = 규칙
health-column-said = 측정값
health-column-took = 시간
health-column-verdict = 판정
health-no-checks = 점검할 것이 없습니다
health-no-checks-hint = lockkeeper.toml에 name과 url이 있는 [[health.http]]를 쓰세요
health-probes-thin = { $check }: { $seconds }초에 프로브 { $probes }번은 floor가 판정하기에 적습니다. { $need }번이 필요합니다: every를 더 짧게 하세요

## 점검의 설정

settings-health-beside = 비교할 점검 { $name }이(가) 없습니다
settings-health-bound = 한계는 실패하는 조건, 곧 비교와 숫자입니다. 예: "> 0.9"
settings-health-consecutive = 연속 실패는 한 번 이상이어야 합니다
settings-health-error-rate = 오류율은 0보다 큰 백분율입니다. 예: "5%"
settings-health-every = 20 ms보다 자주 할 수 없습니다
settings-health-family = 주소 종류는 "ipv4"이거나 "ipv6"입니다
settings-health-header = HTTP에 그런 헤더는 없습니다
settings-health-header-unfit = 변수 { $env }의 값은 헤더 { $header }가 될 수 없습니다. 예를 들어 줄바꿈이 들어 있습니다
settings-health-header-unset = 헤더 { $header }에 쓸 변수 { $env }가 설정되어 있지 않습니다
settings-health-header-value = 헤더는 글자이거나 {"{"} env = "NAME", prefix = "Bearer " {"}"} 모양입니다
settings-health-json-bool = { $word }는 true이거나 false입니다
settings-health-json-empty = {"{"} below = 100 {"}"}처럼 무엇이 있어야 하는지 적어야 합니다
settings-health-json-number = { $word }는 숫자와 비교합니다
settings-health-json-text = { $word }는 글자로 적은 정규식입니다
settings-health-json-value = JSON에는 그런 값이 없습니다
settings-health-json-word = { $word }라는 조건은 없습니다: above, below, min, max, equals, not, matches, present
settings-health-latency = 이 규칙에는 숫자가 필요합니다: latency = {"{"} percentile = 95, factor = 2 {"}"}
settings-health-method = 메서드는 GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS 가운데 하나입니다
settings-health-method-head = HEAD의 답에는 본문이 없는데 본문에 대한 조건이 있습니다
settings-health-metrics = 지표를 제공할 주소는 IP 주소와 포트입니다: "127.0.0.1:9187"
settings-health-name = 이름은 소문자, 숫자, "-", "_", "."로 63자까지입니다
settings-health-name-twice = 점검 { $name }이(가) 두 개 있습니다
settings-health-no-data = { $value }은(는) 정책이 아닙니다: hold, pass, fail
settings-health-pid = 프로세스 번호는 0보다 큽니다
settings-health-pointer = JSON 안의 위치는 "/"로 시작합니다. 예: "/database/status"
settings-health-port = 포트는 0보다 큰 숫자입니다
settings-health-process = 프로세스에는 pid, pid_file, port 가운데 꼭 하나만 적습니다
settings-health-regex = 정규식을 읽을 수 없습니다: { $reason }
settings-health-role = { $value }은(는) 역할이 아닙니다: judged, advisory, baseline
settings-health-rule = 규칙 { $name }은(는) 없습니다: floor, hard-down, detector, relative, latency, threshold
settings-health-run = 명령에는 적어도 프로그램이 있어야 합니다
settings-health-schema = { $value }는 실패로 볼 수 있는 스키마 상태가 아닙니다: behind, ahead, dirty
settings-health-selector = 선택자는 Prometheus가 쓰는 메트릭의 이름과 레이블입니다
settings-health-status = 상태는 코드, 종류 또는 범위입니다: "200, 2xx, 200-204"
settings-health-timeout = 제한 시간은 0보다 커야 합니다
settings-health-tls-plain = 인증서는 https에만 있습니다
settings-health-tls-zero = 인증서에는 "14d"처럼 남은 시간이 필요합니다
settings-health-url = 프로브할 수 있는 URL이 아닙니다: { $reason }
settings-health-url-credentials = 사용자나 비밀번호를 넣을 수 없습니다
settings-health-url-scheme = http와 https만 됩니다
settings-health-url-unreadable = 읽을 수 없습니다
settings-health-value = 여기에 { $name } 값은 없습니다
settings-health-values = 있는 값: { $names }
settings-health-witness = 증인은 호스트와 포트, 또는 URL입니다
