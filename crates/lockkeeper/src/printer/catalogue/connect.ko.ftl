# 서버에 닿기까지: 연결, TLS, 설정, 그리고 자체 전용 서버.

## 연결

connect-refused = { $server } 연결이 거부되었습니다: 그 주소에서 대기 중인 서버가 없습니다
connect-failed = { $server } 연결에 실패했습니다: { $reason }
connect-unreachable = { $server }까지 가는 네트워크 경로가 없습니다: { $reason }
connect-host-unknown = 호스트 { $host }을(를) 찾을 수 없습니다(포트 { $port }): { $reason }
connect-resolver-silent = 이름 서버가 답하지 않아 호스트 { $host }을(를) 찾아볼 수 없습니다(포트 { $port }): { $reason }
connect-timeout = { $server }이(가) { $seconds }초 안에 응답하지 않았습니다
connect-timeout-system = { $server }이(가) 응답하지 않았습니다
connect-socket-missing = { $path }에 소켓이 없습니다
connect-socket-denied = 현재 운영 체제 사용자에게는 소켓 { $path }을(를) 열 권한이 없습니다
connect-closed-early = { $server }이(가) 접속을 받아들이기 전에 연결을 끊었습니다
connect-protocol = { $server }의 응답을 해석할 수 없습니다: { $reason }
connect-password-missing = { $server }이(가) 역할 { $user }의 비밀번호를 요구하지만 주어진 비밀번호가 없습니다
connect-password-wrong = { $server }이(가) 역할 { $user }의 비밀번호를 받아들이지 않습니다
connect-role-missing = { $server }에 역할 { $user }이(가) 없습니다
connect-role-refused = 역할 { $user }은(는) { $server }에 로그인할 수 없습니다
connect-database-missing = { $server }에 데이터베이스 { $database }이(가) 없습니다
connect-database-denied = 역할 { $user }에게는 { $server }의 데이터베이스 { $database }에 접속할 권한이 없습니다
connect-hba-refused = { $server }이(가) 역할 { $user }의 데이터베이스 { $database } 접속을 허용하지 않습니다({ $way })
connect-way-socket = 소켓 접속
connect-way-tls = TLS 접속
connect-way-plain = TLS 없는 접속
connect-client-certificate-wanted = { $server }이(가) 역할 { $user }에게 클라이언트 인증서를 요구합니다
connect-authentication-failed = { $server }이(가) 역할 { $user }의 신원을 확인하지 못했습니다
connect-authentication-unsupported = { $server }이(가) 역할 { $user }에게 Lockkeeper가 지원하지 않는 로그인 방식을 요구합니다
connect-channel-binding-missing = channel_binding=require로 요구했지만 { $server }이(가) 역할 { $user }의 비밀번호 인증을 TLS 연결에 묶지 않습니다
connect-too-many = { $server }의 연결이 가득 찼습니다
connect-server-not-ready = { $server }이(가) 시작 중이거나 종료 중이어서 지금은 접속을 받지 않습니다
connect-rejected = { $server }이(가) 접속을 거절했습니다
connect-passfile-permissions = 다른 사용자가 읽을 수 있으므로 비밀번호 파일 { $path }을(를) 사용하지 않습니다: chmod 0600으로 권한을 바꾸세요
connect-passfile-not-a-file = 일반 파일이 아니므로 비밀번호 파일 { $path }을(를) 사용하지 않습니다
connect-passfile-unreadable = 읽을 수 없으므로 비밀번호 파일 { $path }을(를) 사용하지 않습니다: { $reason }

connect-hint-address-settings = DB_HOST와 DB_PORT를 확인하세요
connect-hint-host-setting = DB_HOST를 확인하세요
connect-hint-socket-setting = DB_HOST와 DB_PORT를 확인하세요: 소켓은 DB_HOST 폴더에 있고 이름이 포트 번호로 끝납니다
connect-hint-server-running = PostgreSQL이 실행 중이고 그 주소에서 대기하는지 확인하세요(listen_addresses, port)
connect-hint-network = 서버까지의 경로를 확인하세요: 방화벽, VPN, 보안 그룹
connect-hint-resolver = 이 컴퓨터의 이름 풀이를 확인하세요: /etc/resolv.conf와 거기에 적힌 이름 서버까지의 경로
connect-hint-timeout-setting = 느린 네트워크라면 lockkeeper.toml의 [limits] 섹션에서 connect_timeout을 늘리세요
connect-hint-is-it-postgresql = DB_HOST와 DB_PORT에서 다른 서비스가 아니라 PostgreSQL이 대기하는지 확인하세요
connect-hint-server-log = 서버 로그에 자세한 내용이 있습니다
connect-hint-user-setting = DB_USER를 확인하세요
connect-hint-database-setting = DB_NAME을 확인하세요
connect-hint-password-setting = DB_PASSWORD나 DB_PASSWORD_FILE을 설정하거나 ~/.pgpass에 한 줄을 추가하세요
connect-hint-hba = 서버의 pg_hba.conf에 이 역할, 데이터베이스, 주소를 허용하는 줄이 있어야 합니다: DB_USER, DB_NAME, DB_HOST를 확인하세요
connect-hint-hba-method = 로그인 방식은 서버의 pg_hba.conf가 정합니다. Lockkeeper는 trust, peer, cert, password, md5, scram-sha-256을 지원합니다
connect-hint-channel-binding = TLS와 scram-sha-256 비밀번호가 필요합니다: DB_SSLMODE를 확인하거나 channel_binding을 prefer로 바꾸세요
connect-hint-grant-connect = 슈퍼유저가 허용할 수 있습니다: GRANT CONNECT ON DATABASE "{ $database }" TO "{ $user }"
connect-hint-too-many = 유휴 세션을 닫거나 max_connections를 늘리거나 예약 연결을 쓸 수 있는 역할을 사용하세요
connect-hint-wait = 잠시 후 다시 시도하세요

## TLS

tls-not-offered = sslmode={ $sslmode }은(는) TLS를 요구하지만 { $server }이(가) TLS를 제공하지 않습니다
tls-negotiation-failed = { $server }이(가) TLS 요청에 PostgreSQL과 다르게 응답했습니다
tls-handshake-failed = { $server }와(과)의 TLS 핸드셰이크에 실패했습니다: { $reason }
tls-certificate-expired = { $server }의 인증서({ $subject })가 { $date }에 만료되었습니다
tls-certificate-not-yet-valid = { $server }의 인증서({ $subject })는 { $date }부터 유효합니다
tls-issuer-expired = { $server }을(를) 보증하는 인증 기관 { $subject }의 인증서가 { $date }에 만료되었습니다
tls-issuer-unknown = { $server }의 인증서({ $subject })는 { $issuer }이(가) 발급했으며, { $root }에 이 발급자를 보증하는 인증서가 없습니다
tls-name-mismatch = { $server }의 인증서는 다른 이름으로 발급되었습니다: { $names }
tls-certificate-without-names = { $server }의 인증서에 이름이 하나도 없습니다
tls-certificate-unusable = { $server }의 인증서({ $subject })를 사용할 수 없습니다: { $reason }
tls-client-certificate-refused = { $server }이(가) 클라이언트 인증서를 거절했습니다: { $reason }
tls-root-missing = sslmode={ $sslmode }에는 신뢰할 인증 기관의 인증서가 필요하지만 파일 { $path }이(가) 없습니다
tls-root-unnamed = sslmode={ $sslmode }에는 신뢰할 인증 기관의 인증서가 필요하지만 지정된 것이 없습니다
tls-root-unreadable = { $path }의 루트 인증서를 읽을 수 없습니다: { $reason }
tls-root-without-certificate = { $path }에 인증서가 없습니다
tls-system-roots-missing = 운영 체제에 루트 인증서가 없습니다
tls-system-needs-verify-full = sslrootcert=system은 sslmode=verify-full에서만 쓸 수 있으며 { $sslmode }에서는 쓸 수 없습니다
tls-client-certificate-unreadable = 클라이언트 인증서 { $path }을(를) 읽을 수 없습니다: { $reason }
tls-client-key-missing = 클라이언트 인증서 { $certificate }의 개인 키가 없습니다: 파일 { $path }이(가) 없습니다
tls-client-key-unreadable = 개인 키 { $path }을(를) 읽을 수 없습니다: { $reason }
tls-client-key-encrypted = 개인 키 { $path }이(가) 암호로 잠겨 있습니다
tls-client-key-permissions = 다른 사용자가 개인 키 { $path }을(를) 읽을 수 있습니다
tls-client-pair-mismatched = 클라이언트 인증서 { $certificate }와(과) 개인 키 { $key }을(를) 함께 사용할 수 없습니다: { $reason }

tls-hint-root-setting = DB_SSLROOTCERT를 서버 인증서를 발급한 인증 기관의 인증서로 설정하세요
tls-hint-root-system = 공인 인증 기관이 발급한 인증서라면 DB_SSLROOTCERT를 "system"으로 설정하세요
tls-hint-system-roots = ca-certificates 패키지를 설치하세요
tls-hint-renew-certificate = 서버 인증서를 갱신하세요
tls-hint-reissue = subjectAltName에 호스트 이름이 들어간 TLS 서버용 인증서를 새로 발급하세요
tls-hint-clock = 이 컴퓨터의 시계를 확인하세요
tls-hint-host-setting = DB_HOST를 이 이름들 중 하나로 설정하세요
tls-hint-sslmode-setting = DB_SSLMODE를 확인하세요
tls-hint-sslmode-verify-full = DB_SSLMODE=verify-full로 설정하세요
tls-hint-server-ssl-on = 서버에서 TLS를 켜세요(postgresql.conf의 ssl = on)
tls-hint-server-log = 서버 로그에 자세한 내용이 있습니다
tls-hint-client-certificate-setting = DB_SSLCERT와 DB_SSLKEY를 확인하세요
tls-hint-client-key-chmod = chmod 0600 { $path }
tls-hint-client-key-decrypt = Lockkeeper는 암호를 묻지 않습니다: 실행 사용자만 읽을 수 있는 잠기지 않은 사본을 쓰세요(openssl pkey -in { $path })

## 설정

settings-project-dir-missing = 폴더 { $path }이(가) 없습니다
settings-file-missing = 설정 파일 { $path }이(가) 없습니다
settings-file-unreadable = { $path }을(를) 읽을 수 없습니다: { $reason }
settings-file-invalid = 설정 파일을 해석할 수 없습니다: { $reason }
settings-file-unknown-key = { $key }(이)라는 설정은 없습니다
settings-file-password = 프로젝트를 받은 사람이면 누구나 읽을 수 있으므로 설정 파일에 비밀번호를 둘 수 없습니다
settings-duration-invalid = { $value }을(를) 시간 길이로 읽을 수 없습니다
settings-expires-after-zero = expires_after는 0일 수 없습니다. 어떤 승인도 효력을 가질 수 없게 됩니다
settings-lock-timeout-zero = lock_timeout은 0일 수 없습니다: SQL 문이 잠금을 끝없이 기다리고 다른 모든 요청이 그 뒤에서 기다리게 됩니다
settings-lock-attempts-zero = lock_attempts는 1 이상이어야 합니다
settings-env-not-utf8 = 환경 변수 { $name }의 값이 UTF-8이 아닙니다
settings-environment-slip = 환경 이름 { $name }은(는) "production"과 너무 비슷해서 다른 환경으로 볼 수 없습니다
settings-dotenv-no-equals = 이 줄은 NAME=value 형식이 아닙니다
settings-dotenv-name = 이름은 영문자, 숫자, 밑줄로 이루어지며 숫자로 시작할 수 없습니다
settings-dotenv-quote = 이 줄에서 따옴표가 닫히지 않았습니다
settings-dotenv-after-quote = 닫는 따옴표 뒤에 다른 글자가 있습니다
settings-url-invalid = DATABASE_URL을 해석할 수 없습니다: { $reason }
settings-url-scheme = postgres:// 또는 postgresql://로 시작하지 않습니다
settings-url-host = 호스트와 포트 부분의 형식이 잘못되었습니다
settings-url-encoding = 퍼센트 기호 뒤에 UTF-8 텍스트를 나타내는 16진수 두 자리가 없습니다
settings-url-parameter-form = 물음표 뒤의 매개변수가 name=value 형식이 아닙니다
settings-url-unknown-parameter = DATABASE_URL에 알 수 없는 매개변수 { $name }이(가) 있습니다
settings-several-hosts = { $source }에 호스트가 여럿 있습니다
settings-user-missing = 접속할 역할이 지정되지 않았고, 현재 운영 체제 사용자의 이름도 알 수 없습니다
settings-password-twice = DB_PASSWORD와 DB_PASSWORD_FILE이 모두 설정되어 있습니다
settings-password-file-unreadable = 비밀번호 파일 { $path }을(를) 읽을 수 없습니다: { $reason }
settings-password-file-empty = 비밀번호 파일 { $path }이(가) 비어 있습니다
settings-port-invalid = { $source }의 값이 포트가 아닙니다: { $value }
settings-sslmode-invalid = { $source }의 값이 sslmode가 아닙니다: { $value }
settings-channel-binding-invalid = { $source }의 값이 disable, prefer, require 중 하나가 아닙니다: { $value }
settings-seconds-invalid = { $source }의 값이 초 단위 숫자가 아닙니다: { $value }
settings-production-unprotected = 환경이 production인데 { $server } 연결을 검증할 수 없습니다: { $source } 값이 { $sslmode }입니다

settings-hint-did-you-mean = 혹시 { $name }인가요?
settings-hint-config = --config와 LOCKKEEPER_CONFIG를 확인하세요
settings-hint-duration = 숫자와 단위를 함께 쓰세요: "500ms", "2s", "5m", "24h", "7d"
settings-hint-password-places = DB_PASSWORD나 DB_PASSWORD_FILE을 설정하거나 ~/.pgpass에 한 줄을 추가하세요
settings-hint-password-leaked = 이 파일을 커밋한 적이 있다면 비밀번호를 바꾸세요
settings-hint-password-file = DB_PASSWORD_FILE을 확인하세요
settings-hint-password-one = 둘 중 하나만 남기세요
settings-hint-port = 포트는 1부터 65535까지의 숫자입니다
settings-hint-sslmode = disable, allow, prefer, require, verify-ca, verify-full 중 하나를 쓰세요
settings-hint-url-form = postgres://user:password@host:port/database 형식으로 쓰고, 비밀번호의 특수 문자는 모두 퍼센트 인코딩하세요
settings-hint-url-parameters = sslmode, sslrootcert, sslcert, sslkey, channel_binding, connect_timeout, application_name, host, port, dbname, user, password를 쓸 수 있습니다
settings-hint-several-hosts = 프라이머리 하나만 지정하세요: 스키마는 한 서버에서 변경합니다
settings-hint-production-sslmode = DB_SSLMODE=verify-full로 설정하거나 유닉스 소켓으로 접속하세요

## 서버

server-too-old = { $server }의 PostgreSQL은 { $version }입니다. Lockkeeper에는 { $oldest } 이상이 필요합니다
server-version-unknown = { $server }이(가) PostgreSQL 버전을 알려 주지 않습니다
server-binaries-missing = 이 컴퓨터에서 PostgreSQL 서버 프로그램(initdb, postgres)을 찾을 수 없습니다
server-binaries-not-in-folder = { $path }에 PostgreSQL 서버 프로그램(initdb, postgres)이 없습니다
server-start-failed = { $path }의 전용 PostgreSQL이 시작되지 않았습니다: { $log }
server-supervisor-gone = 전용 PostgreSQL을 관리하는 프로세스가 사라졌습니다
server-account-missing = PostgreSQL은 root로 실행되지 않는데, 대신 실행할 postgres나 nobody 계정이 없습니다
server-folder-trouble = 전용 PostgreSQL을 준비할 수 없습니다: { $path }: { $reason }

server-hint-upgrade = 서버를 PostgreSQL { $oldest } 이상으로 업그레이드하세요
server-hint-install-apt = Debian, Ubuntu: apt-get install postgresql
server-hint-install-brew = macOS: brew install postgresql
server-hint-binaries-folder = PostgreSQL 프로그램 폴더를 확인하세요
server-hint-not-root = 일반 사용자로 실행하거나 postgres 계정을 만드세요
server-hint-tmpdir = 임시 파일 폴더(TMPDIR)를 확인하세요: 공간이 있고 이 사용자가 쓸 수 있나요?
