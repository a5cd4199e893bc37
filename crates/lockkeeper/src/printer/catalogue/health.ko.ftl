# 상태 게이트: 규칙이 본 것, 그리고 판정하지 못하는 까닭.

## 규칙이 본 것

health-seen-beside = 요청 { $requests }건 중 오류 { $errors }건, 이전 버전은 { $old_requests }건 중 { $old_errors }건: 우연이라면 { $chance }번에 한 번입니다
health-seen-errors = 요청 { $requests }건 중 오류 { $errors }건, { $share }, 기준은 { $threshold }
health-seen-evidence = 요청 { $requests }건 중 오류 { $errors }건, 증거 { $evidence } / { $alarm }
health-seen-latency = 백분위수 { $percentile }은(는) { $took } ms, 한계는 { $bound } ms
health-seen-probes = 프로브 { $made }번 중 { $failed }번 실패

## 판정할 것이 없는 까닭

health-nothing-baseline = 비교할 기준선이 없거나 너무 적습니다
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

## 감시

watch-busy = 다른 프로세스가 감시하고 있습니다: { $host }의 { $holder }, 프로세스 { $pid }, { $since }부터
watch-busy-hint = 그것을 멈추거나 기다리세요: 사라진 감시자는 { $seconds }초 뒤에 감시를 잃습니다
watch-busy-unknown = 다른 프로세스가 감시하고 있습니다
watch-not-taken = 감시를 시작할 수 없었습니다
