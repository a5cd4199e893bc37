-- The new code reads and writes one name. The old code goes on with two, and does not notice.
ALTER TABLE customers ADD COLUMN full_name text;

-- Whichever of them is written, the other one follows.
CREATE FUNCTION customers_keep_names() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.full_name IS NOT NULL
        OR TG_OP = 'UPDATE' AND NEW.full_name IS DISTINCT FROM OLD.full_name THEN
        NEW.first_name := split_part(NEW.full_name, ' ', 1);
        NEW.last_name := substr(NEW.full_name, length(NEW.first_name) + 2);
    ELSE
        NEW.full_name := NEW.first_name || ' ' || NEW.last_name;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER customers_keep_names BEFORE INSERT OR UPDATE ON customers
    FOR EACH ROW EXECUTE FUNCTION customers_keep_names();
