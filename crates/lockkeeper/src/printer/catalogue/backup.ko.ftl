# 백업: 게이트, 명령, 잘못된 것.

## 게이트

age-days = { $count }일
age-hours = { $count }시간
age-minutes = { $count }분
age-seconds = { $count }초
gate-backup = 백업 { $id }, { $age } 전, 검증되지 않음
gate-backup-broken = { $age } 전의 백업 { $id }이(가) 검증을 통과하지 못했습니다
gate-backup-old = 가장 최근 백업 { $id }이(가) { $age } 지났습니다. 최대 { $max }까지 허용됩니다
gate-backup-unverified = { $age } 전의 백업 { $id }이(가) 아직 검증되지 않았습니다
gate-backup-verified = 백업 { $id }, { $age } 전, 검증됨
gate-no-backup = 이 데이터베이스의 백업이 없습니다
next-backup = lockkeeper backup create
next-backup-verify = lockkeeper backup verify

## 설정

settings-backup-command = 명령은 프로그램과 인자의 목록인데, 프로그램이 없습니다
settings-backup-unverifiable = 검증된 백업이 필수인데, `command`가 만든 백업을 검증할 방법이 없습니다
settings-backup-zero = 0보다 커야 합니다
settings-hint-backup-unverifiable = `verify_command`를 설정하거나 `verified = false`로 설정하세요
