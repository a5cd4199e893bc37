//! What became of rows and values, from what a table held before and holds after.

/// What a table holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableContent {
    pub oid: u32,
    pub name: String,
    pub rows: u64,
    pub columns: Vec<ColumnContent>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnContent {
    /// Its place in the table, which stays its own whatever it is called.
    pub number: i16,
    pub name: String,
    pub type_name: String,
    /// How many rows have one.
    pub values: u64,
    /// The sum of the values' hashes, whatever their order.
    pub checksum: String,
}

/// Rows, or values of a column, that are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    pub table: String,
    /// `None` where rows are gone.
    pub column: Option<String>,
    pub count: u64,
    pub oid: u32,
    pub number: Option<i16>,
}

/// What is gone. A table or a column is known again by what it is, and where it was made anew by what it is called.
pub fn losses(before: &[TableContent], after: &[TableContent]) -> Vec<Loss> {
    let mut found = Vec::new();
    for table in before {
        let now = after.iter().find(|it| it.oid == table.oid).or_else(|| after.iter().find(|it| it.name == table.name));
        let loss = |column: Option<&ColumnContent>, count| Loss {
            table: table.name.clone(),
            column: column.map(|it| it.name.clone()),
            count,
            oid: table.oid,
            number: column.map(|it| it.number),
        };
        let rows_now = now.map_or(0, |it| it.rows);
        if rows_now < table.rows {
            found.push(loss(None, table.rows - rows_now));
        }
        let Some(now) = now else { continue };
        for column in &table.columns {
            // With a row its values go, which is told already.
            let left = column.values.min(rows_now);
            let values_now = column_in(now, table, column).map_or(0, |it| it.values);
            if values_now < left {
                found.push(loss(Some(column), left - values_now));
            }
        }
    }
    found
}

/// The columns whose values are others than before, where none are gone and the type is the same.
pub fn changed_values(before: &[TableContent], after: &[TableContent]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for table in before {
        let Some(now) = after.iter().find(|it| it.oid == table.oid && it.rows == table.rows) else { continue };
        for column in &table.columns {
            let is_other = |it: &&ColumnContent| {
                it.type_name == column.type_name && it.values >= column.values && it.checksum != column.checksum
            };
            if column_in(now, table, column).as_ref().is_some_and(is_other) {
                found.push((table.name.clone(), column.name.clone()));
            }
        }
    }
    found
}

fn column_in<'t>(now: &'t TableContent, table: &TableContent, column: &ColumnContent) -> Option<&'t ColumnContent> {
    let same = now.columns.iter().find(|it| now.oid == table.oid && it.number == column.number);
    same.or_else(|| now.columns.iter().find(|it| it.name == column.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(oid: u32, name: &str, rows: u64, columns: &[(i16, &str, u64, &str)]) -> TableContent {
        let columns = columns.iter().map(|(number, name, values, checksum)| ColumnContent {
            number: *number,
            name: (*name).to_owned(),
            type_name: "text".to_owned(),
            values: *values,
            checksum: (*checksum).to_owned(),
        });
        TableContent { oid, name: name.to_owned(), rows, columns: columns.collect() }
    }

    fn told(before: &[TableContent], after: &[TableContent]) -> Vec<String> {
        let text = |it: &Loss| {
            format!("{} {}", it.count, it.column.as_ref().map_or(it.table.clone(), |c| format!("{}.{c}", it.table)))
        };
        losses(before, after).iter().map(text).collect()
    }

    #[test]
    fn what_is_gone_is_counted_once() {
        let before =
            [table(1, "a", 4, &[(1, "id", 4, "x"), (2, "nick", 3, "y")]), table(2, "b", 2, &[(1, "id", 2, "z")])];
        assert_eq!(told(&before, &before), Vec::<String>::new());
        assert_eq!(told(&before, &[]), ["4 a", "2 b"]);
        // A column that was made anew holds nothing; one with another name is the same.
        let after = [table(1, "c", 4, &[(1, "key", 4, "x"), (3, "nick", 0, "0")]), before[1].clone()];
        assert_eq!(told(&before, &after), ["3 a.nick"]);
        let after = [table(1, "a", 1, &[(1, "id", 1, "x"), (2, "nick", 1, "y")]), before[1].clone()];
        assert_eq!(told(&before, &after), ["3 a"]);
    }

    #[test]
    fn values_that_are_others_are_named() {
        let before = [table(1, "a", 4, &[(1, "id", 4, "x"), (2, "nick", 3, "y")])];
        let after = [table(1, "a", 4, &[(1, "id", 4, "x"), (2, "nick", 4, "q")])];
        assert_eq!(changed_values(&before, &after), [("a".to_owned(), "nick".to_owned())]);
    }
}
