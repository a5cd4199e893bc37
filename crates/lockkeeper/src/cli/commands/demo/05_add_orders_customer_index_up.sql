-- Version 3 shows what a customer orders on average. Plain SQL: it is built concurrently by itself.
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
