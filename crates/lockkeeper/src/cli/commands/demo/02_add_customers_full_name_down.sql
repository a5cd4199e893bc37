ALTER TABLE customers ALTER COLUMN first_name SET NOT NULL, ALTER COLUMN last_name SET NOT NULL;
DROP TRIGGER customers_keep_full_name ON customers;
DROP FUNCTION customers_keep_full_name();
ALTER TABLE customers DROP COLUMN full_name;
