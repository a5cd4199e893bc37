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

## 승인을 기다리기

approvers-none = { $path }에 lockkeeper-admin 역할이 있는 사람이 없습니다
release-approvers = 승인할 수 있는 사람: { $who }
release-approvers-nobody = 승인할 수 있는 사람이 없습니다: { $because }
release-cause-not-approved = 제때 아무도 단계 2를 승인하지 않음
release-only-driving = --wait-approval은 release start와 release resume에 씁니다
release-still-waits = { $stayed }째 기다리고 있습니다: { $missing }
release-waits-left = { $waited } 동안 기다렸습니다. { $left } 남았습니다
release-waits-too-long = { $waited } 동안 기다렸습니다. [approval]의 wait_at_most보다 깁니다
settings-approval-remind-zero = 쉬지 않고 알리면 소음일 뿐입니다: remind_every는 0보다 커야 합니다
settings-approval-wait-zero = 시간 없이 승인할 수는 없습니다: wait_at_most는 0보다 커야 합니다
settings-on-expiry = on_expiry에는 "wait"나 "rollback"을 적습니다. { $value }은(는) 쓸 수 없습니다
settings-on-expiry-never = on_expiry = "rollback"에는 wait_at_most가 있어야 합니다. 그것이 없으면 아무것도 만료되지 않습니다

## 면제

approve-waives = 게이트 { $gate }이(가) 요구하는 것 없이 열립니다
gate-waived = { $by }이(가) 면제했습니다: { $reason }

## GitHub 리뷰

gate-approved-on-github = { $by }의 승인을 받았습니다(GitHub 로그인 { $login }, 환경 { $environment }, { $repository }의 실행 { $run })
gate-not-reviewed = 아직 아무도 이 계획을 승인하지 않았습니다: { $reason }
github-forbidden = GitHub가 이 작업에 실행의 리뷰를 읽게 해 주지 않습니다(상태 { $status }). permissions: actions: read가 필요합니다
github-none-yet = 릴리스가 이 실행에서 기다리기 시작한 뒤로 환경 { $environment }의 리뷰가 없습니다
github-not-allowed = [approval.github]에서 { $login }의 승인을 허용하지 않거나 다른 환경을 지정했습니다
github-rejected = 이 실행에서 { $login }이(가) 환경 { $environment }을(를) 거부했습니다
github-status = GitHub가 상태 { $status }(으)로 응답했습니다
github-unknown-login = GitHub에서 승인한 { $login }이(가) [approval.github]에 없습니다
github-unreachable = GitHub에 물어볼 수 없었습니다: { $reason }
github-unreadable = GitHub의 응답이 리뷰 목록이 아닙니다
github-variable = { $name }이(가) 없거나 쓸 수 없는 값입니다
next-review = 같은 실행에서 lockkeeper release resume을 실행하는 작업을 GitHub에서 승인하거나, 서명하세요: lockkeeper approve stage2 --reason "…"
settings-github-approver = 승인자는 로그인과 그 사람의 이름으로 적습니다. 둘 다 비워 둘 수 없습니다
settings-github-approvers = GitHub에서 승인할 수 있는 사람이 없습니다: approvers를 비워 둘 수 없습니다
settings-github-environment = environment에는 리뷰를 인정할 GitHub 환경의 이름을 적어야 합니다
settings-github-twice = approvers에 { $login }이(가) 두 번 있습니다. GitHub는 로그인의 대소문자를 구별하지 않습니다
