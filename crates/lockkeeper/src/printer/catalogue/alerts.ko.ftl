# 알림: 무엇을 말하는지, 누가 받는지, 어떻게 되었는지.

## 알림이 말하는 것

alert-approval-given = 승인되었습니다
alert-approval-used = 단계 2가 시작되었습니다
alert-approval-waiting = 릴리스 { $release }이(가) 승인을 기다립니다
alert-approval-waiting-summary = 새 코드가 배포되었습니다. 관리자가 계획을 읽고 서명해야 단계 2가 시작됩니다.
alert-breach = 상태 게이트 위반: { $check } ({ $rule })
alert-breach-summary = 이 릴리스는 버티지 못합니다. 되돌릴지는 릴리스를 운영하는 사람이 정합니다. lockkeeper가 진행하는 릴리스는 스스로 되돌아갑니다.
alert-fact-actor = 실행한 사람
alert-fact-check = 검사
alert-fact-evidence = 근거
alert-fact-file = 파일
alert-fact-host = 컴퓨터
alert-fact-migration = 마이그레이션
alert-fact-next = 다음
alert-fact-point = 롤백 지점
alert-fact-reason = 이유
alert-fact-release = 릴리스
alert-fact-rule = 규칙
alert-fact-state = 상태
alert-fact-undone = 되돌린 마이그레이션
alert-fact-version = 버전
alert-migration-failed = 마이그레이션 { $number } 실패
alert-migration-failed-summary = 이 마이그레이션이 한 일은 되돌려졌거나 스텝별로 기록되었고, 릴리스는 제자리에 있습니다. 기록된 것과 기록되지 않은 것, 다음 명령은 status가 알려 줍니다.
alert-migrations-applied = 마이그레이션이 적용되었습니다
alert-over-summary = 앞서 알린 일은 더는 그렇지 않습니다.
alert-reason-server = { $what }: { $said } (SQLSTATE { $sqlstate })
alert-rolled-back = 릴리스가 롤백되었습니다
alert-rollback-failed = 마이그레이션 { $number }에서 롤백 실패
alert-rollback-failed-summary = 그 앞에 되돌린 것은 되돌린 채로 있고, 실패한 스크립트는 아무것도 남기지 않았습니다. 사람이 필요합니다. 원인을 고친 뒤 롤백을 다시 실행하십시오.
alert-rollback-finished = { $point }(으)로 롤백되었습니다
alert-rollback-finished-summary = 스키마가 롤백 지점으로 돌아왔습니다.
alert-rollback-started = { $point }(으)로 롤백을 시작했습니다
alert-rollback-started-summary = 마이그레이션을 마지막 것부터 되돌리고 있습니다. 결과는 이어서 알립니다.
alert-test = Lockkeeper 알림 시험입니다
alert-test-summary = 잘못된 것은 없습니다. 이 글을 읽는 사람은 릴리스에 생기는 일을 알림으로 받게 됩니다.
alert-title-opens = [{ $environment }] { $subject }
alert-title-reminds = [{ $environment }] 계속: { $subject } ({ $told }번째 알림)
alert-title-resolves = [{ $environment }] 해소: { $subject }
alert-title-tells = [{ $environment }] { $subject }

## 어떻게 되었는지

notify-answered = { $status } 응답: { $said }
notify-column-kind = 알림
notify-column-next = 다음 시도
notify-column-receiver = 수신자
notify-column-since = 부터
notify-column-tries = 시도
notify-column-why = 까닭
notify-command-done = 명령이 받았습니다
notify-command-failed = 명령이 실패했습니다, { $status }: { $said }
notify-command-not-started = { $program }을(를) 시작할 수 없습니다: { $reason }
notify-cut-off = 남은 시간이 없었습니다
notify-delayed = { $kind } 알림이 { $name }에 닿지 못했습니다: { $why }. { $seconds }초 뒤에 다시 시도합니다
notify-delivered = { $kind } 알림을 { $name }에 전달했습니다
notify-drained = 알림 { $delivered }개를 전달했고, { $undelivered }개가 아직 기다립니다
notify-failed = { $status } 응답: { $said }
notify-gave-up = 포기함
notify-given-up = { $name }에 대한 { $kind } 알림을 포기했습니다: { $why }
notify-later = 알림은 다음 명령이나 감시자를 원장에서 기다립니다: { $reason }
notify-mail-failed = 메일을 받아 주지 않았습니다: { $reason }
notify-mail-taken = 메일 서버가 받았습니다: { $code } { $said }
notify-mail-unwritable = 메일을 쓸 수 없습니다: { $reason }
notify-none = lockkeeper.toml에 알림을 받을 곳이 없습니다
notify-none-hint = [[notify.slack]], [[notify.webhook]], [[notify.pagerduty]], [[notify.alertmanager]], [[notify.email]], [[notify.command]] 가운데 하나를 적으십시오
notify-not-now = 지금은 보내지 말라고 합니다: { $status } { $said }
notify-nothing-waits = 모든 알림이 전달되었습니다.
notify-only-test = 수신자 이름은 notify test에 씁니다
notify-outbox = 보낼 편지함에 쓸 수 없습니다
notify-refused = 거절했습니다: { $status } { $said }
notify-tested = { $name }: { $said }
notify-timed-out = { $limit_ms }ms보다 오래 걸렸습니다
notify-too-old = 너무 오래 기다렸습니다
notify-unknown = { $name }(이)라는 수신자는 없습니다. 있는 것: { $known }
notify-unusable = { $name }에는 여기서 보낼 수 없습니다: { $why }
notify-usable = { $name } ({ $kind })
status-alerts = 알림 { $waiting }개가 전달되지 않았고 { $given_up }개는 포기했습니다: lockkeeper notify status

## 설정이 말하는 것

settings-notify-header-unreadable = 변수 { $name }의 값은 헤더에 쓸 수 없습니다
settings-notify-key-unreadable = 변수 { $name }의 값은 서명 키가 아닙니다: whsec_와 base64로 적은 24~64바이트
settings-notify-kind = { $value }(이)라는 알림은 없습니다. 고를 수 있는 것: { $known }
settings-notify-label = { $name }은(는) 레이블이 될 수 없습니다: Lockkeeper가 쓰는 이름이거나 이름이 아닙니다
settings-notify-lang = { $value }(이)라는 언어는 없습니다: en 또는 ko
settings-notify-mail-address = 주소를 읽을 수 없거나, 받는 사람이 없습니다
settings-notify-mail-halves = user와 password_env는 함께 적어야 합니다
settings-notify-mail-open = 비밀번호를 보호되지 않은 연결로 보내지 않습니다: tls는 "starttls" 또는 "implicit"입니다
settings-notify-name = 수신자의 이름은 글자, 숫자, -, _, .으로 이루어집니다
settings-notify-name-twice = 수신자 둘의 이름이 모두 { $name }입니다
settings-notify-remind-zero = 쉼 없는 다시 알림은 끝나지 않습니다
settings-notify-run = 명령에는 프로그램이 있어야 합니다
settings-notify-severity = { $value }(이)라는 심각도는 없습니다: info, warning, critical
settings-notify-timeout = 한 번 보내는 시간은 0보다 길고 { $max_s }초를 넘지 않아야 합니다
settings-notify-tls = { $value }(이)라는 tls는 없습니다: starttls, implicit, off
settings-notify-unset = 변수 { $name }이(가) 여기에 없습니다
settings-notify-url = url과 url_env 가운데 하나만 있어야 합니다
settings-notify-url-unreadable = { $name }의 값은 웹 주소가 아닙니다
settings-notify-variable = 여기에는 대문자로 된 환경 변수의 이름을 적습니다. 비밀은 이 파일에 적지 않습니다
