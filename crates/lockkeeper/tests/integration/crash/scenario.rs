//! What is run and disturbed: tables, files, what went before, and the command.

/// One way of one migration, by its place in the list of files.
#[derive(Debug, Clone, Copy)]
pub enum Script {
    Up(usize),
    Down(usize),
}

/// A pair of files: stem, up, down.
pub type Pair = (&'static str, &'static str, &'static str);

/// A database in use, and what is to be done to it.
#[derive(Debug)]
pub struct Scenario {
    pub name: &'static str,
    /// What the application had made before Lockkeeper came.
    pub tables: &'static str,
    pub files: &'static [Pair],
    /// Commands that run undisturbed. `APPROVE` stands for an approval by the admin. As the last word it is
    /// made for each copy of the database, because an approval names its database. `+2` adds the next two files; without such a
    /// word all files are there from the start.
    pub before: &'static [&'static str],
    /// The command that is disturbed and then run again.
    pub command: &'static str,
    /// The scripts that it runs, in order.
    pub runs: &'static [Script],
    /// Columns whose values no two runs share.
    pub varies: &'static [&'static str],
}

pub const APPROVE: &str = "APPROVE";

use Script::{Down, Up};

/// A shop with a few hundred rows and no constraint but what each scenario leaves to be added.
const SHOP: &str = "
    CREATE TABLE customers (id bigint PRIMARY KEY, email text, city text);
    INSERT INTO customers SELECT n, 'c' || n || '@shop.example', 'city ' || n % 7 FROM generate_series(1, 300) n;
    CREATE TABLE orders (id bigint, customer_id bigint, amount bigint, code text, note text);
    INSERT INTO orders SELECT n, n % 300 + 1, n, 'code ' || n, 'note ' || n FROM generate_series(1, 400) n;
    CREATE INDEX orders_by_amount ON orders (amount);
    CREATE MATERIALIZED VIEW totals AS SELECT customer_id, sum(amount) AS total FROM orders GROUP BY customer_id;
    CREATE UNIQUE INDEX totals_by_customer ON totals (customer_id);
    CREATE MATERIALIZED VIEW cities AS SELECT city, count(*) AS customers FROM customers GROUP BY city;
    INSERT INTO orders SELECT n, n % 300 + 1, n, 'code ' || n, 'note ' || n FROM generate_series(401, 450) n;
    UPDATE customers SET city = 'city 9' WHERE id < 20;";

const fn stage1(name: &'static str, files: &'static [Pair], runs: &'static [Script]) -> Scenario {
    Scenario { name, tables: SHOP, files, before: &[], command: "stage1", runs, varies: &[] }
}

const fn stage2(name: &'static str, files: &'static [Pair], runs: &'static [Script]) -> Scenario {
    let before = &["stage1", "deployed --version 2.0", APPROVE];
    Scenario { name, tables: SHOP, files, before, command: "stage2", runs, varies: &[] }
}

const fn rollback(name: &'static str, files: &'static [Pair], runs: &'static [Script]) -> Scenario {
    let command = "rollback before_schema_add --yes --accept-loss --reason back";
    Scenario { name, tables: SHOP, files, before: &["stage1"], command, runs, varies: &[] }
}

const NOTES: &[Pair] = &[
    ("01_create_notes", "CREATE TABLE notes (id bigint PRIMARY KEY, text text);\n", "DROP TABLE notes;\n"),
    (
        "02_add_orders_paid",
        "ALTER TABLE orders ADD COLUMN paid boolean NOT NULL DEFAULT false;\n\
         INSERT INTO notes SELECT n, 'paid ' || n FROM generate_series(1, 20) n;\n",
        "DELETE FROM notes;\nALTER TABLE orders DROP COLUMN paid;\n",
    ),
    ("03_fill_orders_paid", "UPDATE orders SET paid = amount > 100;\n", "UPDATE orders SET paid = false;\n"),
    (
        "04_add_orders_guard",
        "CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;\n\
         CREATE TRIGGER guard BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION guard();\n",
        "DROP TRIGGER guard ON orders;\nDROP FUNCTION guard();\n",
    ),
];

pub const STAGE_1: Scenario = stage1("stage_1", NOTES, &[Up(0), Up(1), Up(2), Up(3)]);

pub const ROLLBACK: Scenario = rollback("rollback", NOTES, &[Down(3), Down(2), Down(1), Down(0)]);

/// The second file stands for new code that writes into what the first has added.
const WRITTEN: &[Pair] = &[
    (
        "01_add_tier",
        "CREATE TYPE tier AS ENUM ('gold', 'tin');\n\
         ALTER TABLE customers ADD COLUMN tier tier DEFAULT 'tin', ADD COLUMN seen timestamptz;\n\
         CREATE TABLE badges (customer bigint PRIMARY KEY, text text);\n",
        "DROP TABLE badges;\nALTER TABLE customers DROP COLUMN tier, DROP COLUMN seen;\nDROP TYPE tier;\n",
    ),
    (
        "02_modify_tier",
        "UPDATE customers SET tier = 'gold', seen = '2020-01-02 03:04:05+00' WHERE id % 3 = 0;\n\
         INSERT INTO badges SELECT id, 'badge ' || id FROM customers;\n",
        "SELECT 1;\n",
    ),
];

pub const SALVAGE: Scenario = Scenario {
    command: "rollback before_schema_add --yes --reason back",
    ..rollback("salvage", WRITTEN, &[Down(1), Down(0)])
};

/// What it fills by itself is what was kept, so that the same SQL alone comes to the same rows.
const REFILLED: &[Pair] = &[(
    "01_add_tier",
    "CREATE TYPE tier AS ENUM ('gold', 'tin');\n\
     ALTER TABLE customers ADD COLUMN tier tier DEFAULT 'tin', ADD COLUMN seen timestamptz;\n\
     CREATE TABLE badges (customer bigint PRIMARY KEY, text text);\n\
     UPDATE customers SET tier = 'gold', seen = '2020-01-02 03:04:05+00' WHERE id % 3 = 0;\n\
     INSERT INTO badges SELECT id, 'badge ' || id FROM customers;\n",
    "DROP TABLE badges;\nALTER TABLE customers DROP COLUMN tier, DROP COLUMN seen;\nDROP TYPE tier;\n",
)];

pub const PUT_BACK: Scenario = Scenario {
    before: &["stage1", "rollback before_schema_add --yes --reason back"],
    ..stage1("put_back", REFILLED, &[Up(0)])
};

const CONCURRENT: &[Pair] = &[
    (
        "01_add_orders_index",
        "CREATE INDEX CONCURRENTLY orders_by_code ON orders (code);\n",
        "DROP INDEX CONCURRENTLY orders_by_code;\n",
    ),
    ("02_create_notes", "CREATE TABLE notes (id bigint);\n", "DROP TABLE notes;\n"),
];

pub const INDEX_CONCURRENTLY: Scenario = stage1("index_concurrently", CONCURRENT, &[Up(0), Up(1)]);

pub const ROLLBACK_CONCURRENTLY: Scenario = rollback("rollback_concurrently", CONCURRENT, &[Down(1), Down(0)]);

const STEPS: &[Pair] = &[(
    "01_add_steps",
    "-- lockkeeper: no-transaction\n\
     CREATE TABLE steps (id bigint, text text);\n\
     INSERT INTO steps SELECT n, 'step ' || n FROM generate_series(1, 30) n;\n\
     CREATE INDEX CONCURRENTLY steps_by_text ON steps (text);\n\
     UPDATE steps SET id = id + 1;\n\
     ALTER TABLE orders ADD COLUMN step bigint;\n",
    "-- lockkeeper: no-transaction\n\
     ALTER TABLE orders DROP COLUMN step;\n\
     DROP INDEX CONCURRENTLY steps_by_text;\n\
     DROP TABLE steps;\n",
)];

pub const NO_TRANSACTION: Scenario = stage1("no_transaction", STEPS, &[Up(0)]);

pub const ROLLBACK_NO_TRANSACTION: Scenario = rollback("rollback_no_transaction", STEPS, &[Down(0)]);

pub const STAGE_2: Scenario = stage2(
    "stage_2",
    &[
        ("01_create_notes", "CREATE TABLE notes (id bigint);\n", "DROP TABLE notes;\n"),
        (
            "02_remove_orders_note",
            "ALTER TABLE orders DROP COLUMN note;\n",
            "ALTER TABLE orders ADD COLUMN note text;\n",
        ),
        ("03_remove_cities", "DROP MATERIALIZED VIEW cities;\n", "SELECT 1;\n"),
        ("04_drop_orders_index", "DROP INDEX CONCURRENTLY orders_by_amount;\n", "SELECT 1;\n"),
    ],
    &[Up(1), Up(2), Up(3)],
);

pub const DEPLOYED: Scenario =
    Scenario { before: &["stage1"], command: "deployed --version 2.0", ..stage1("deployed", STAGE_2.files, &[]) };

pub const CREATE_INDEX: Scenario = stage1(
    "create_index",
    &[
        ("01_add_orders_index", "CREATE INDEX orders_by_code ON orders (code);\n", "DROP INDEX orders_by_code;\n"),
        (
            "02_add_more_indexes",
            "CREATE INDEX IF NOT EXISTS orders_late ON orders (lower(note)) WHERE amount > 100;\n\
             CREATE INDEX ON customers (city, email);\n",
            "DROP INDEX customers_city_email_idx;\nDROP INDEX orders_late;\n",
        ),
    ],
    &[Up(0), Up(1)],
);

pub const ROLLBACK_CREATE_INDEX: Scenario = rollback("rollback_create_index", CREATE_INDEX.files, &[Down(1), Down(0)]);

pub const SET_NOT_NULL: Scenario = stage2(
    "set_not_null",
    &[
        (
            "01_modify_orders",
            "ALTER TABLE orders ALTER COLUMN note SET NOT NULL;\n",
            "ALTER TABLE orders ALTER COLUMN note DROP NOT NULL;\n",
        ),
        (
            "02_modify_more",
            "ALTER TABLE orders ALTER COLUMN code SET NOT NULL, ALTER COLUMN amount SET NOT NULL;\n\
             ALTER TABLE customers ALTER email SET NOT NULL;\n",
            "ALTER TABLE orders ALTER COLUMN code DROP NOT NULL, ALTER COLUMN amount DROP NOT NULL;\n\
             ALTER TABLE customers ALTER email DROP NOT NULL;\n",
        ),
    ],
    &[Up(0), Up(1)],
);

pub const ADD_CHECK: Scenario = stage2(
    "add_check",
    &[(
        "01_modify_orders",
        "ALTER TABLE orders ADD CONSTRAINT amount_is_positive CHECK (amount > 0);\n\
         ALTER TABLE orders ADD CHECK (code <> '');\n",
        "ALTER TABLE orders DROP CONSTRAINT orders_code_check;\n\
         ALTER TABLE orders DROP CONSTRAINT amount_is_positive;\n",
    )],
    &[Up(0)],
);

pub const ADD_FOREIGN_KEY: Scenario = stage2(
    "add_foreign_key",
    &[
        (
            "01_modify_orders",
            "ALTER TABLE orders ADD CONSTRAINT orders_of_customers FOREIGN KEY (customer_id) REFERENCES customers (id) \
             ON DELETE CASCADE;\n",
            "ALTER TABLE orders DROP CONSTRAINT orders_of_customers;\n",
        ),
        (
            "02_modify_orders_again",
            "ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers;\n",
            "ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey;\n",
        ),
    ],
    &[Up(0), Up(1)],
);

pub const ADD_UNIQUE: Scenario = stage2(
    "add_unique",
    &[(
        "01_modify_orders",
        "ALTER TABLE orders ADD CONSTRAINT code_once UNIQUE (code);\nALTER TABLE orders ADD UNIQUE (id, note);\n",
        "ALTER TABLE orders DROP CONSTRAINT orders_id_note_key;\nALTER TABLE orders DROP CONSTRAINT code_once;\n",
    )],
    &[Up(0)],
);

pub const ADD_PRIMARY_KEY: Scenario = stage2(
    "add_primary_key",
    &[(
        "01_modify_orders",
        "ALTER TABLE orders ADD PRIMARY KEY (id);\n",
        "ALTER TABLE orders DROP CONSTRAINT orders_pkey;\nALTER TABLE orders ALTER id DROP NOT NULL;\n",
    )],
    &[Up(0)],
);

pub const DROP_INDEX: Scenario = stage2(
    "drop_index",
    &[
        (
            "01_drop_orders_index",
            "DROP INDEX orders_by_amount;\n",
            "CREATE INDEX orders_by_amount ON orders (amount);\n",
        ),
        ("02_drop_if_there", "DROP INDEX IF EXISTS no_such_index;\nDROP INDEX totals_by_customer;\n", "SELECT 1;\n"),
    ],
    &[Up(0), Up(1)],
);

/// Once the index is gone, a new plan of the file would put its statement and the next into one transaction.
pub const DROP_INDEX_AND_UPDATE: Scenario = stage2(
    "drop_index_and_update",
    &[(
        "01_drop_orders_index",
        "ALTER TABLE orders ADD CHECK (code <> '');\n\
         DROP INDEX orders_by_amount;\n\
         UPDATE customers SET city = city || '!';\n",
        "SELECT 1;\n",
    )],
    &[Up(0)],
);

/// The way back from a stage 2: an index that is built again, constraints that go.
pub const ROLLBACK_STAGE_2: Scenario = Scenario {
    before: &["stage1", "deployed --version 2.0", APPROVE, "stage2"],
    command: "rollback before_field_remove --past-stage2 --yes",
    ..stage2(
        "rollback_stage_2",
        &[
            (
                "01_modify_orders",
                "ALTER TABLE orders ALTER COLUMN note SET NOT NULL;\n",
                "ALTER TABLE orders ALTER COLUMN note DROP NOT NULL;\n",
            ),
            (
                "02_drop_orders_index",
                "DROP INDEX orders_by_amount;\nALTER TABLE orders ADD CHECK (code <> '');\n",
                "ALTER TABLE orders DROP CONSTRAINT orders_code_check;\n\
                 CREATE INDEX orders_by_amount ON orders (amount);\n\
                 UPDATE orders SET amount = amount + 1;\n",
            ),
        ],
        &[Down(1), Down(0)],
    )
};

pub const VOLATILE_DEFAULT: Scenario = Scenario {
    varies: &["orders.token", "orders.luck", "customers.seen_at"],
    ..stage1(
        "volatile_default",
        &[
            (
                "01_add_orders_token",
                "ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();\n",
                "ALTER TABLE orders DROP COLUMN token;\n",
            ),
            (
                "02_add_luck",
                "ALTER TABLE orders ADD COLUMN luck double precision DEFAULT random();\n\
                 ALTER TABLE customers ADD COLUMN seen_at timestamptz NOT NULL DEFAULT clock_timestamp();\n",
                "ALTER TABLE customers DROP COLUMN seen_at;\nALTER TABLE orders DROP COLUMN luck;\n",
            ),
        ],
        &[Up(0), Up(1)],
    )
};

/// Rows on so many pages that they are filled in several batches.
pub const BACKFILL: Scenario = Scenario {
    tables: "CREATE TABLE parcels (id bigint PRIMARY KEY, label text);
             INSERT INTO parcels SELECT n, repeat('label ' || n || ' ', 20) FROM generate_series(1, 4000) n;",
    varies: &["parcels.token"],
    ..stage1(
        "backfill",
        &[(
            "01_add_parcels_token",
            "ALTER TABLE parcels ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();\n",
            "ALTER TABLE parcels DROP COLUMN token;\n",
        )],
        &[Up(0)],
    )
};

pub const ROLLBACK_VOLATILE_DEFAULT: Scenario = Scenario {
    varies: VOLATILE_DEFAULT.varies,
    ..rollback("rollback_volatile_default", VOLATILE_DEFAULT.files, &[Down(1), Down(0)])
};

pub const REFRESH: Scenario = stage1(
    "refresh",
    &[
        ("01_refresh_totals", "REFRESH MATERIALIZED VIEW totals;\n", "SELECT 1;\n"),
        ("02_refresh_cities", "REFRESH MATERIALIZED VIEW cities;\n", "SELECT 1;\n"),
    ],
    &[Up(0), Up(1)],
);

/// Statements that become steps of their own between others that do not, and rows that must come once.
pub const MIXED_STAGE_1: Scenario = Scenario {
    varies: &["orders.token"],
    ..stage1(
        "mixed_stage_1",
        &[
            (
                "01_modify_shop",
                "INSERT INTO customers VALUES (1001, 'a@shop.example', 'here'), (1002, 'b@shop.example', 'there');\n\
                 CREATE INDEX customers_by_email ON customers (email);\n\
                 ALTER TABLE orders ADD COLUMN paid boolean;\n\
                 UPDATE orders SET amount = amount + 1;\n\
                 ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();\n\
                 REFRESH MATERIALIZED VIEW totals;\n\
                 INSERT INTO orders (id, customer_id, amount, code, note) VALUES (2001, 1001, 5, 'code 2001', 'new');\n",
                "SELECT 1;\n",
            ),
            (
                "02_modify_more",
                "UPDATE customers SET city = city || '!';\n\
                 CREATE INDEX orders_by_note ON orders (note);\n\
                 CREATE TABLE notes (id bigint PRIMARY KEY, order_id bigint);\n\
                 INSERT INTO notes SELECT id, id FROM orders;\n",
                "SELECT 1;\n",
            ),
        ],
        &[Up(0), Up(1)],
    )
};

pub const MIXED_STAGE_2: Scenario = stage2(
    "mixed_stage_2",
    &[
        (
            "01_modify_orders",
            "INSERT INTO customers VALUES (1001, 'a@shop.example', 'here');\n\
             ALTER TABLE orders ADD CONSTRAINT amount_is_positive CHECK (amount > 0);\n\
             UPDATE orders SET amount = amount + 1;\n\
             ALTER TABLE orders ALTER COLUMN code SET NOT NULL;\n\
             ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers;\n\
             INSERT INTO orders VALUES (2001, 1001, 5, 'code 2001', 'new');\n\
             ALTER TABLE orders ADD UNIQUE (code);\n\
             DROP INDEX orders_by_amount;\n\
             UPDATE customers SET city = city || '!';\n",
            "SELECT 1;\n",
        ),
        (
            "02_modify_keys",
            "ALTER TABLE orders ADD PRIMARY KEY (id);\n\
             ALTER TABLE orders DROP COLUMN note;\n\
             UPDATE orders SET code = code || '!';\n",
            "SELECT 1;\n",
        ),
    ],
    &[Up(0), Up(1)],
);

macro_rules! demo {
    ($($stem:literal),*) => {
        &[$((
            $stem,
            include_str!(concat!("../../../src/cli/commands/demo/", $stem, "_up.sql")),
            include_str!(concat!("../../../src/cli/commands/demo/", $stem, "_down.sql")),
        )),*]
    };
}

/// The project that the demo uses.
const DEMO: &[Pair] = demo!(
    "01_create_shop",
    "02_add_customers_full_name",
    "03_fill_customers_full_name",
    "04_remove_customers_names",
    "05_add_orders_customer_index"
);

const fn demo(
    name: &'static str,
    before: &'static [&'static str],
    command: &'static str,
    runs: &'static [Script],
) -> Scenario {
    Scenario { name, tables: "", files: DEMO, before, command, runs, varies: &["orders.placed_at"] }
}

pub const DEMO_FIRST: Scenario = demo("demo_first", &["+1"], "stage1", &[Up(0)]);

pub const DEMO_STAGE_1: Scenario =
    demo("demo_stage_1", &["+1", "stage1", "deployed --version 1.0", "+3"], "stage1", &[Up(1), Up(2)]);

pub const DEMO_STAGE_2: Scenario = demo(
    "demo_stage_2",
    &["+1", "stage1", "deployed --version 1.0", "+3", "stage1", "deployed --version 2.0", APPROVE],
    "stage2",
    &[Up(3)],
);

pub const DEMO_ROLLBACK: Scenario = demo(
    "demo_rollback",
    &["+1", "stage1", "deployed --version 1.0", "+3", "stage1"],
    "rollback before_schema_add --yes",
    &[Down(2), Down(1)],
);
