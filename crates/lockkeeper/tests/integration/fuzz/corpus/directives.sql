-- lockkeeper: stage=2 reason="old \"workers\" write this"
-- lockkeeper: no-transaction
-- lockkeeper: allow=drop-table reason="empty"
DROP TABLE carts;
-- lockkeeper: as-written reason="small"
CREATE INDEX i ON carts (id);
-- lockkeeper: allow=nothing
-- lockkeeper stage=1
\set x 1
{{ template }}
COPY carts FROM STDIN;
1	2
\.
