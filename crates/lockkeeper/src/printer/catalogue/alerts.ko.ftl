# 알림: 무엇을 말하는지.

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
