CREATE TABLE customers (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_name text NOT NULL,
    last_name  text NOT NULL
);

CREATE TABLE orders (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers,
    total_cents bigint NOT NULL,
    placed_at   timestamptz NOT NULL DEFAULT now()
);

INSERT INTO customers (first_name, last_name)
SELECT 'First' || n, 'Last' || n FROM generate_series(1, 10000) n;
-- One customer in ten has not ordered anything yet.
INSERT INTO orders (customer_id, total_cents) SELECT id, 100 * id FROM customers WHERE id % 10 <> 0;
