# 시험한 것과 측정한 것을 묻는 게이트, 그리고 게이트 면제.

## 시험한 것

gate-verified = 지금 파일 그대로 검증되었습니다
gate-verify-order = 단계 순서와 파일 순서가 서로 다른 스키마로 끝납니다
gate-verify-order-unsure = 단계 순서가 같은 스키마로 끝나는지 시험하지 못했습니다
gate-verify-unsound = 시험에서 문제가 드러났습니다: { $migrations }
gate-verify-unsure = 시험하지 못했습니다: { $migrations }
gate-verify-untried = 지금 파일 그대로는 검증되지 않았습니다: { $migrations }
stage1-closed = 단계 1이 닫혀 있습니다: 게이트 { $count }개가 열리지 않았습니다
status-gates1 = 단계 1 앞의 게이트

## 측정한 것

gate-health-before-deploy = 감시가 배포 전에 시작되어, 배포 뒤는 { $seen }밖에 보지 못했습니다
gate-health-healthy = 정상입니다. { $host }에서 { $by }이(가) 감시했습니다
gate-health-inconclusive = { $host }에서 { $by }이(가) 한 감시는 판단할 자료가 부족했습니다
gate-health-never = 배포한 뒤로 아무도 이 릴리스를 감시하지 않았습니다
gate-health-no-checks = 측정하는 것이 없습니다: [health]에 검사가 없습니다
gate-health-old = { $age } 전에는 정상이었습니다. 최대 { $max }까지 인정합니다
gate-health-stopped = { $host }에서 { $by }이(가) 하던 감시가 결론 없이 멈췄습니다
gate-health-unhealthy = { $host }에서 { $by }이(가) 한 감시에서 릴리스에 이상이 있었습니다
gate-health-watching = { $host }에서 { $by }이(가) 감시하고 있습니다
next-health-configure = [health]에 검사를 적거나, lockkeeper.toml의 [gates]에 health = "off"를 적으세요

## 설정

settings-gates-age-zero = 근거가 언제나 너무 오래된 것이 되면 열릴 게이트가 없습니다: health_max_age는 0보다 커야 합니다
settings-gates-word = 게이트에는 "required"나 "off"를 적습니다. { $value }은(는) 쓸 수 없습니다
