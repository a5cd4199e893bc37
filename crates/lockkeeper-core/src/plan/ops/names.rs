//! The names that PostgreSQL gives to indexes and constraints without one, so that what we make is called the same.
//!
//! After `makeObjectName`, `ChooseRelationName` and `ChooseConstraintName` of the server: the parts are cut to
//! 63 bytes, and a number is appended until the name is free.

use crate::parse::Ident;

/// PostgreSQL's NAMEDATALEN, less the byte that ends it.
const NAME_BYTES_MAX: usize = 63;

/// `table_a_b_suffix`, cut to fit: the longer of both parts loses first.
fn object_name(table: &str, columns: &str, suffix: &str) -> String {
    let separators = usize::from(!columns.is_empty()) + 1;
    let room = NAME_BYTES_MAX.saturating_sub(suffix.len() + separators);
    let (mut first, mut second) = (table.len(), columns.len());
    while first + second > room {
        if first > second { first -= 1 } else { second -= 1 }
    }
    let (table, columns) = (cut(table, first), cut(columns, second));
    if columns.is_empty() { format!("{table}_{suffix}") } else { format!("{table}_{columns}_{suffix}") }
}

/// Cuts between characters, as the server does for a multibyte encoding.
fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or("")
}

/// The columns' part of a name: joined by underscores, and no longer than one name.
fn columns_part(columns: &[Ident]) -> String {
    let mut part = String::new();
    for column in columns {
        if !part.is_empty() {
            part.push('_');
        }
        part.push_str(column.as_str());
        if part.len() > NAME_BYTES_MAX {
            break;
        }
    }
    part
}

/// The name that the server would choose: `kind` is `idx`, `key`, `pkey`, `fkey` or `check`.
pub fn choose(table: &Ident, columns: &[Ident], kind: &str, is_taken: impl Fn(&str) -> bool) -> Ident {
    let columns = columns_part(columns);
    let mut pass = 0_u32;
    loop {
        let suffix = if pass == 0 { kind.to_owned() } else { format!("{kind}{pass}") };
        let name = object_name(table.as_str(), &columns, &suffix);
        if !is_taken(&name) {
            return Ident::exact(name);
        }
        pass += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_as_the_server_makes_them() {
        let ident = |text: &str| Ident::exact(text.to_owned());
        let name = |columns: &[&str], kind, taken: &[&str]| {
            let columns: Vec<_> = columns.iter().map(|it| ident(it)).collect();
            choose(&ident("orders"), &columns, kind, |name| taken.contains(&name)).as_str().to_owned()
        };
        assert_eq!(name(&["a", "b"], "idx", &[]), "orders_a_b_idx");
        assert_eq!(name(&["a"], "key", &["orders_a_key", "orders_a_key1"]), "orders_a_key2");
        assert_eq!(name(&[], "pkey", &[]), "orders_pkey");
        let long = "x".repeat(70);
        let made = choose(&ident(&long), &[ident("column_of_some_length")], "idx", |_| false);
        assert_eq!(made.as_str(), format!("{}_column_of_some_length_idx", "x".repeat(37)));
    }
}
