CREATE TABLE customers (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_name text NOT NULL,
    last_name  text NOT NULL
);

CREATE TABLE orders (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers,
    placed_at   timestamptz NOT NULL DEFAULT now()
);

INSERT INTO customers (first_name, last_name)
SELECT 'First' || n, 'Last' || n FROM generate_series(1, 10000) n;
INSERT INTO orders (customer_id) SELECT id FROM customers;
