-- The new code reads one name. The old code goes on writing two, and does not notice.
ALTER TABLE customers ADD COLUMN full_name text;

CREATE FUNCTION customers_keep_full_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.full_name IS NULL THEN
        NEW.full_name := NEW.first_name || ' ' || NEW.last_name;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER customers_keep_full_name BEFORE INSERT OR UPDATE ON customers
    FOR EACH ROW EXECUTE FUNCTION customers_keep_full_name();

-- The new code no longer fills these.
ALTER TABLE customers ALTER COLUMN first_name DROP NOT NULL, ALTER COLUMN last_name DROP NOT NULL;
