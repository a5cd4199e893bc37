//! The program is killed again and again while an application uses the table: the application notices nothing,
//! and not a row is lost, neither while the migration stands half done nor when it has come to its end.

use std::time::Duration;

use lockkeeper_testkit::{Load, LoadOptions, LoadTables, Proxy, Random};

use super::points::{is_long, seed, told};
use super::trial::{Kind, settle};
use crate::shop::{Running, Shop};

/// Ways to disturb a run after which nobody hears of what it did.
const KINDS: [Kind; 4] = [Kind::KillBefore, Kind::KillAfter, Kind::Cut, Kind::LoseReply];

/// A run that is disturbed at an effect beyond its end comes to its end. Random runs get less far than that, so
/// each command must be let through at last.
const DISTURBANCES: u64 = 8;
const EFFECT_MAX: u64 = 120;

const ADD: (&str, &str) = (
    "CREATE INDEX orders_by_code ON orders (code);\n\
     ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();\n\
     CREATE TABLE parcels (id bigint);\n",
    "DROP TABLE parcels;\nALTER TABLE orders DROP COLUMN token;\nDROP INDEX orders_by_code;\n",
);

const HOLD: (&str, &str) = (
    "ALTER TABLE orders ALTER COLUMN note SET NOT NULL;\n\
     ALTER TABLE orders ADD CONSTRAINT amount_is_positive CHECK (amount > 0);\n\
     ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers;\n\
     ALTER TABLE orders ADD UNIQUE (code);\n\
     ALTER TABLE orders ADD PRIMARY KEY (id);\n",
    "ALTER TABLE orders DROP CONSTRAINT orders_pkey;\n\
     ALTER TABLE orders DROP CONSTRAINT orders_code_key;\n\
     ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey;\n\
     ALTER TABLE orders DROP CONSTRAINT amount_is_positive;\n\
     ALTER TABLE orders ALTER COLUMN note DROP NOT NULL;\n",
);

/// Runs a command to its end, through some disturbances.
fn through(shop: &Shop, line: &str, random: &mut Random) -> usize {
    let disturbances = if is_long() { DISTURBANCES * 5 } else { DISTURBANCES };
    let mut fired = 0;
    for _ in 0..disturbances {
        let kind = *random.pick(&KINDS);
        let at = usize::try_from(1 + random.below(EFFECT_MAX)).unwrap();
        let proxy = Proxy::start(&shop.database.target(), Some((at, kind.fault())));
        let mut command = shop.command(&format!("--json {line}"));
        command.envs(proxy.env());
        let running = Running::start(command);
        proxy.client(running.pid());
        let run = running.wait();
        settle(&shop.database);
        if !proxy.has_fired() {
            run.expect(0);
            break;
        }
        fired += 1;
    }
    shop.run(line).expect(0);
    fired
}

#[test]
fn an_application_does_not_notice_that_the_program_is_killed() {
    let shop = Shop::open();
    LoadTables::default().create(&shop.database.target(), 5_000);
    shop.admin();
    shop.pair("01_add_more", ADD.0, ADD.1).pair("02_modify_orders", HOLD.0, HOLD.1);
    let mut random = Random::new(seed());
    let load = Load::start(&shop.database.target(), LoadOptions { rate: 100, ..LoadOptions::default() });
    load.run_for(Duration::from_millis(100));
    let before = shop.database.catalogue();
    let mut fired = through(&shop, "stage1", &mut random);
    shop.run("deployed --version 2.0").expect(0);
    shop.approve().expect(0);
    fired += through(&shop, "stage2", &mut random);
    assert_eq!(shop.applied(), [1, 2]);
    assert_eq!(shop.database.value("SELECT count(*) FROM orders WHERE token IS NULL"), "0");
    assert_eq!(shop.database.value("SELECT count(DISTINCT token) = count(*) FROM orders"), "t");
    fired += through(&shop, "rollback before_field_remove --past-stage2 --yes", &mut random);
    fired += through(&shop, "rollback before_schema_add --accept-loss --yes", &mut random);
    let report = load.stop();
    told("runs under load", fired);
    assert_eq!((report.errors, report.divergence.is_empty()), (vec![], true), "{:?}", report.divergence);
    // A primary key leaves its columns not null when it goes, which PostgreSQL 18 keeps as a constraint.
    let id = |line: &String| !line.starts_with("COLUMN public.orders.id ") && !line.contains("orders_id_not_null");
    let without_id = |lines: Vec<String>| lines.into_iter().filter(id).collect::<Vec<_>>();
    assert_eq!(without_id(shop.database.catalogue()), without_id(before));
    shop.run("log --verify").expect(0);
}
