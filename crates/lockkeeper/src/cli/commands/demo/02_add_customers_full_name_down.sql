DROP TRIGGER customers_keep_names ON customers;
DROP FUNCTION customers_keep_names();
ALTER TABLE customers DROP COLUMN full_name;
