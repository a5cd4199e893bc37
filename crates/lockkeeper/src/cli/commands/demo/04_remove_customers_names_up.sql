DROP TRIGGER customers_keep_full_name ON customers;
DROP FUNCTION customers_keep_full_name();
ALTER TABLE customers DROP COLUMN first_name, DROP COLUMN last_name;
