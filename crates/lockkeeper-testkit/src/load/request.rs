//! What the application asks for: the same requests for the same seed.

use super::{COLUMNS, LoadOptions, LoadTables};
use crate::random::Random;

/// All requests of a load, each found by its number.
#[derive(Debug)]
pub(super) struct Requests {
    pub options: LoadOptions,
    /// Rows that were there when the load began, with the numbers from 1 on.
    rows: u64,
    /// The texts of all statements, in the order of [`Which`], further reads behind.
    pub statements: Vec<String>,
}

/// One request: its statements with their parameters, in one transaction when there are several.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub statements: Vec<(usize, Vec<Value>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Number(i64),
    Text(String),
}

/// Places in [`Requests::statements`]. What writes has its twin right behind it.
const READ: usize = 0;
const NOTE: usize = 1;
const PAY: usize = 3;
const INSERT: usize = 5;
const DELETE: usize = 7;
const FURTHER: usize = 9;

impl Requests {
    pub fn new(options: LoadOptions, rows: u64) -> Self {
        let LoadTables { table, twin } = &options.tables;
        let mut statements = vec![format!("SELECT {COLUMNS} FROM {table} WHERE id = $1")];
        for write in [
            "UPDATE {} SET note = $2 WHERE id = $1",
            "UPDATE {} SET amount = amount + $2 WHERE id = $1",
            "INSERT INTO {} (id, customer_id, code, amount, note) VALUES ($1, $2, $3, $4, $5)",
            "DELETE FROM {} WHERE id = $1",
        ] {
            statements.extend([table, twin].map(|name| write.replace("{}", name)));
        }
        statements.extend(options.reads.iter().cloned());
        Self { options, rows, statements }
    }

    /// Of a hundred: 25 changed notes, 10 payments between two rows, 12 new rows, 3 removed ones, ten of each
    /// further read, and otherwise reads of a row.
    pub fn get(&self, number: u64) -> Request {
        let mut random = Random::new(self.options.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let row = |random: &mut Random| Value::Number(as_number(1 + random.below(self.rows.max(1))));
        let further = u64::try_from(self.options.reads.len()).unwrap_or(0);
        let kind = random.below(100);
        let statements = match kind {
            0..25 => twice(NOTE, &[row(&mut random), Value::Text(format!("note {number}"))]),
            25..35 => {
                let (one, other, paid) = (row(&mut random), row(&mut random), as_number(1 + random.below(9)));
                // Always in the same order, as an application does that wants no deadlocks.
                let (first, second) = if one.number() <= other.number() { (one, other) } else { (other, one) };
                let mut both = twice(PAY, &[first, Value::Number(-paid)]);
                both.extend(twice(PAY, &[second, Value::Number(paid)]));
                // The table first, then the twin, so that rows of one table are locked in order too.
                both.swap(1, 2);
                both
            }
            35..47 => {
                let id = as_number(self.rows + 1 + number);
                let customer = as_number(1 + random.below(u64::from(LoadTables::CUSTOMERS)));
                let texts = [format!("code {id}"), format!("note {id}")].map(Value::Text);
                let [code, note] = texts;
                twice(INSERT, &[Value::Number(id), Value::Number(customer), code, Value::Number(1_000_000), note])
            }
            47..50 => twice(DELETE, &[row(&mut random)]),
            kind => {
                let tenth = (kind - 50) / 10;
                let is_further = tenth < further;
                let read = if is_further { FURTHER + usize::try_from(tenth).unwrap_or(0) } else { READ };
                vec![(read, vec![row(&mut random)])]
            }
        };
        Request { statements }
    }
}

fn twice(statement: usize, values: &[Value]) -> Vec<(usize, Vec<Value>)> {
    [statement, statement + 1].map(|one| (one, values.to_vec())).to_vec()
}

fn as_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Value {
    const fn number(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            Self::Text(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_requests_of_all_kinds() {
        let reads = vec!["SELECT 1 WHERE $1 > 0".to_owned(), "SELECT 2 WHERE $1 > 0".to_owned()];
        let requests =
            |seed| Requests::new(LoadOptions { seed, reads: reads.clone(), ..LoadOptions::default() }, 1_000);
        let (one, same, other) = (requests(1), requests(1), requests(2));
        assert!((0..1_000).all(|number| one.get(number) == same.get(number)));
        assert!((0..1_000).any(|number| one.get(number) != other.get(number)));
        let used: std::collections::BTreeSet<usize> =
            (0..1_000).flat_map(|number| one.get(number).statements).map(|(statement, _)| statement).collect();
        assert_eq!(used, (0..FURTHER + 2).collect());
        assert_eq!(one.statements.len(), FURTHER + 2);
    }
}
