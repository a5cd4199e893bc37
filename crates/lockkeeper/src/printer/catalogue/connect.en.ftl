# Reaching a server: the connection, TLS, the settings, and our own private servers.

## The connection

connect-refused = the connection to { $server } was refused: nothing listens there
connect-failed = the connection to { $server } failed: { $reason }
connect-unreachable = there is no way to { $server }: { $reason }
connect-host-unknown = the host { $host } was not found (port { $port }): { $reason }
connect-resolver-silent = the host { $host } cannot be looked up, because the resolver does not answer (port { $port }): { $reason }
connect-timeout = { $server } did not answer within { $seconds } s
connect-timeout-system = { $server } did not answer
connect-socket-missing = there is no socket at { $path }
connect-socket-denied = the socket { $path } may not be opened by this user of the operating system
connect-closed-early = { $server } closed the connection before it let us in
connect-protocol = { $server } answered in a way that is not understood: { $reason }
connect-password-missing = { $server } wants a password for the role { $user }, and none was given
connect-password-wrong = { $server } does not accept the password of the role { $user }
connect-role-missing = there is no role { $user } on { $server }
connect-role-refused = the role { $user } may not log in on { $server }
connect-database-missing = there is no database { $database } on { $server }
connect-database-denied = the role { $user } may not connect to the database { $database } on { $server }
connect-hba-refused = { $server } does not let the role { $user } into the database { $database } { $way }
connect-way-socket = over its socket
connect-way-tls = over TLS
connect-way-plain = without TLS
connect-client-certificate-wanted = { $server } wants a client certificate from the role { $user }
connect-authentication-failed = { $server } could not make sure that this is the role { $user }
connect-authentication-unsupported = { $server } wants the role { $user } to log in in a way that Lockkeeper does not know
connect-channel-binding-missing = { $server } does not bind the password of the role { $user } to the TLS connection, though channel_binding=require asks for it
connect-too-many = { $server } has no connection left
connect-server-not-ready = { $server } takes no connections at the moment: it is starting or shutting down
connect-rejected = { $server } turned the connection down
connect-passfile-permissions = the password file { $path } is not used, because others can read it: chmod 0600 it
connect-passfile-not-a-file = the password file { $path } is not used, because it is not a plain file
connect-passfile-unreadable = the password file { $path } is not used, because it cannot be read: { $reason }

connect-hint-address-settings = check DB_HOST and DB_PORT
connect-hint-host-setting = check DB_HOST
connect-hint-socket-setting = check DB_HOST and DB_PORT: the socket lies in the folder DB_HOST and ends in the port's number
connect-hint-server-running = check that PostgreSQL is running and listens there (listen_addresses, port)
connect-hint-network = check the way there: firewall, VPN, security group
connect-hint-resolver = check this machine's resolver: /etc/resolv.conf, and the way to the name servers in it
connect-hint-timeout-setting = a slow network may need a longer connect_timeout in the section [limits] of lockkeeper.toml
connect-hint-is-it-postgresql = check that a PostgreSQL listens at DB_HOST and DB_PORT, and not another service
connect-hint-server-log = the server's log says more
connect-hint-user-setting = check DB_USER
connect-hint-database-setting = check DB_NAME
connect-hint-password-setting = set DB_PASSWORD or DB_PASSWORD_FILE, or write a line into ~/.pgpass
connect-hint-hba = the server's pg_hba.conf needs a line that allows this role, this database and this address: check DB_USER, DB_NAME and DB_HOST
connect-hint-hba-method = the server's pg_hba.conf decides how the role logs in; Lockkeeper knows trust, peer, cert, password, md5 and scram-sha-256
connect-hint-channel-binding = it takes TLS and a scram-sha-256 password: check DB_SSLMODE, or set channel_binding to prefer
connect-hint-grant-connect = a superuser can allow it: GRANT CONNECT ON DATABASE "{ $database }" TO "{ $user }"
connect-hint-too-many = close idle sessions, or raise max_connections, or use a role with reserved connections
connect-hint-wait = wait a little and try again

## TLS

tls-not-offered = { $server } offers no TLS, and sslmode={ $sslmode } demands it
tls-negotiation-failed = { $server } did not answer the request for TLS as PostgreSQL does
tls-handshake-failed = the TLS handshake with { $server } failed: { $reason }
tls-certificate-expired = the certificate of { $server } ({ $subject }) expired on { $date }
tls-certificate-not-yet-valid = the certificate of { $server } ({ $subject }) is not valid before { $date }
tls-issuer-expired = the certificate authority { $subject } that vouches for { $server } expired on { $date }
tls-issuer-unknown = the certificate of { $server } ({ $subject }) was issued by { $issuer }, which { $root } does not vouch for
tls-name-mismatch = the certificate of { $server } is made out to other names: { $names }
tls-certificate-without-names = the certificate of { $server } is made out to no name at all
tls-certificate-unusable = the certificate of { $server } ({ $subject }) cannot be used: { $reason }
tls-client-certificate-refused = { $server } turned the client certificate down: { $reason }
tls-root-missing = sslmode={ $sslmode } needs the certificates of the authorities to trust, and there is no file { $path }
tls-root-unnamed = sslmode={ $sslmode } needs the certificates of the authorities to trust, and none are named
tls-root-unreadable = the root certificates in { $path } cannot be read: { $reason }
tls-root-without-certificate = there is no certificate in { $path }
tls-system-roots-missing = the operating system has no root certificates
tls-system-needs-verify-full = sslrootcert=system can only be used with sslmode=verify-full, not with { $sslmode }
tls-client-certificate-unreadable = the client certificate { $path } cannot be read: { $reason }
tls-client-key-missing = the client certificate { $certificate } has no private key: there is no file { $path }
tls-client-key-unreadable = the private key { $path } cannot be read: { $reason }
tls-client-key-encrypted = the private key { $path } is locked with a passphrase
tls-client-key-permissions = the private key { $path } can be read by others
tls-client-pair-mismatched = the client certificate { $certificate } and the private key { $key } cannot be used together: { $reason }

tls-hint-root-setting = set DB_SSLROOTCERT to the certificate of the authority that issued the server's
tls-hint-root-system = or to "system", for a certificate from a public authority
tls-hint-system-roots = install the package ca-certificates
tls-hint-renew-certificate = have the server's certificate renewed
tls-hint-reissue = have the server's certificate issued anew, for TLS servers, with the host's name in subjectAltName
tls-hint-clock = check this machine's clock
tls-hint-host-setting = set DB_HOST to one of these names
tls-hint-sslmode-setting = check DB_SSLMODE
tls-hint-sslmode-verify-full = set DB_SSLMODE=verify-full
tls-hint-server-ssl-on = turn TLS on in the server (ssl = on in postgresql.conf)
tls-hint-server-log = the server's log says more
tls-hint-client-certificate-setting = check DB_SSLCERT and DB_SSLKEY
tls-hint-client-key-chmod = chmod 0600 { $path }
tls-hint-client-key-decrypt = Lockkeeper asks no questions: keep an unlocked copy that only its user can read (openssl pkey -in { $path })

## Settings

settings-project-dir-missing = there is no folder { $path }
settings-file-missing = there is no configuration file { $path }
settings-file-unreadable = { $path } cannot be read: { $reason }
settings-file-invalid = the configuration is not understood: { $reason }
settings-file-unknown-key = there is no setting { $key }
settings-file-password = a password must not stand in the configuration file, which everybody with the project can read
settings-duration-invalid = { $value } is not a span of time
settings-expires-after-zero = expires_after must not be zero: no approval would ever hold
settings-lock-timeout-zero = lock_timeout must not be zero: a statement would wait for its lock without end, with everybody else behind it
settings-lock-attempts-zero = lock_attempts must be at least 1
settings-env-not-utf8 = the value of the environment variable { $name } is not UTF-8
settings-environment-slip = the environment is called { $name }, which is too much like "production" to be another one
settings-dotenv-no-equals = this line is not NAME=value
settings-dotenv-name = a name is made of letters, digits and underscores, and does not begin with a digit
settings-dotenv-quote = the quotation mark is not closed on this line
settings-dotenv-after-quote = Something follows the closing quotation mark
settings-url-invalid = DATABASE_URL is not understood: { $reason }
settings-url-scheme = it does not begin with postgres:// or postgresql://
settings-url-host = the part with host and port is malformed
settings-url-encoding = a percent sign is not followed by two hexadecimal digits of UTF-8 text
settings-url-parameter-form = a parameter after the question mark is not name=value
settings-url-unknown-parameter = DATABASE_URL has the unknown parameter { $name }
settings-several-hosts = { $source } names several hosts
settings-user-missing = no role to connect as was given, and the operating system has no name for the current user
settings-password-twice = DB_PASSWORD and DB_PASSWORD_FILE are both set
settings-password-file-unreadable = the password file { $path } cannot be read: { $reason }
settings-password-file-empty = the password file { $path } is empty
settings-port-invalid = { $source } is no port: { $value }
settings-sslmode-invalid = { $source } is no sslmode: { $value }
settings-channel-binding-invalid = { $source } is neither disable, prefer nor require: { $value }
settings-seconds-invalid = { $source } is no number of seconds: { $value }
settings-production-unprotected = the environment is production, and the connection to { $server } would not be verified: { $source } is { $sslmode }

settings-hint-did-you-mean = did you mean { $name }?
settings-hint-config = check --config and LOCKKEEPER_CONFIG
settings-hint-duration = write a number with its unit: "500ms", "2s", "5m", "24h", "7d"
settings-hint-password-places = set DB_PASSWORD or DB_PASSWORD_FILE, or write a line into ~/.pgpass
settings-hint-password-leaked = if the file was ever committed, change the password
settings-hint-password-file = check DB_PASSWORD_FILE
settings-hint-password-one = keep one of the two
settings-hint-port = a port is a number from 1 to 65535
settings-hint-sslmode = write disable, allow, prefer, require, verify-ca or verify-full
settings-hint-url-form = write postgres://user:password@host:port/database, with every special character in the password percent-encoded
settings-hint-url-parameters = known are sslmode, sslrootcert, sslcert, sslkey, channel_binding, connect_timeout, application_name, host, port, dbname, user and password
settings-hint-several-hosts = name the primary alone: a schema is changed on one server
settings-hint-production-sslmode = set DB_SSLMODE=verify-full, or connect through a Unix socket

## The server

server-too-old = { $server } runs PostgreSQL { $version }; Lockkeeper needs { $oldest } or later
server-version-unknown = { $server } does not say which version of PostgreSQL it is
server-binaries-missing = no PostgreSQL server programs (initdb, postgres) were found on this machine
server-binaries-not-in-folder = there are no PostgreSQL server programs (initdb, postgres) in { $path }
server-start-failed = the private PostgreSQL from { $path } did not start: { $log }
server-supervisor-gone = the process that looks after the private PostgreSQL is gone
server-account-missing = PostgreSQL does not run as root, and there is no account postgres or nobody to run it as
server-folder-trouble = the private PostgreSQL could not be set up: { $path }: { $reason }

server-hint-upgrade = upgrade the server to PostgreSQL { $oldest } or later
server-hint-install-apt = Debian, Ubuntu: apt-get install postgresql
server-hint-install-brew = macOS: brew install postgresql
server-hint-binaries-folder = check the folder of the PostgreSQL programs
server-hint-not-root = run as an ordinary user, or create the account postgres
server-hint-tmpdir = check the folder for temporary files (TMPDIR): is there room, and may this user write there?
