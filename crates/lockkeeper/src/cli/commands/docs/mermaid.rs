//! The diagram of a schema: its tables with their columns, and a line for each foreign key.

use lockkeeper_engine::postgres::{CatalogConstraintKind, CatalogForeignKey, CatalogRelation};

use super::escape::{qualified, quoted, type_word, word};

/// Longer ones are not drawn: Mermaid's `maxTextSize` is 50,000.
const CHARS_MAX: usize = 45_000;

/// How much of each table is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    Columns,
    /// Of the columns those of keys alone.
    Keys,
    /// No columns.
    Names,
}

/// The diagram as deep as it can be drawn, or nothing when it cannot be, or there is nothing to draw.
pub fn diagram(tables: &[&CatalogRelation]) -> Option<(String, Depth)> {
    if tables.is_empty() {
        return None;
    }
    [Depth::Columns, Depth::Keys, Depth::Names]
        .into_iter()
        .map(|depth| (drawn(tables, depth), depth))
        .find(|(text, _)| text.chars().count() <= CHARS_MAX)
}

fn drawn(tables: &[&CatalogRelation], depth: Depth) -> String {
    let mut lines = vec!["erDiagram".to_owned()];
    for table in tables {
        let columns = columns(table, depth);
        if columns.is_empty() {
            lines.push(format!("    {}", entity(&table.name)));
        } else {
            lines.push(format!("    {} {{", entity(&table.name)));
            lines.extend(columns);
            lines.push("    }".to_owned());
        }
    }
    for table in tables {
        lines.extend(table.foreign_keys.iter().map(|key| format!("    {}", line(table, key))));
    }
    lines.join("\n")
}

fn entity((schema, name): &(String, String)) -> String {
    format!("\"{}\"", quoted(&qualified(schema, name)))
}

fn columns(table: &CatalogRelation, depth: Depth) -> Vec<String> {
    let is_of = |kind: CatalogConstraintKind, name: &str| {
        let mut all = table.constraints.iter().filter(|it| it.kind == kind);
        match kind {
            CatalogConstraintKind::Unique => all.any(|it| it.columns == [name]),
            _ => all.any(|it| it.columns.iter().any(|column| column == name)),
        }
    };
    let drawn = table.columns.iter().filter_map(|column| {
        let keys: Vec<&str> = [
            ("PK", is_of(CatalogConstraintKind::PrimaryKey, &column.name)),
            ("FK", table.foreign_keys.iter().any(|key| key.columns.contains(&column.name))),
            ("UK", is_of(CatalogConstraintKind::Unique, &column.name)),
        ]
        .into_iter()
        .filter_map(|(key, is_one)| is_one.then_some(key))
        .collect();
        if depth == Depth::Names || (depth == Depth::Keys && keys.is_empty()) {
            return None;
        }
        let (name, is_itself) = word(&column.name);
        let keys = if keys.is_empty() { String::new() } else { format!(" {}", keys.join(", ")) };
        let meant = if is_itself { String::new() } else { format!(" \"{}\"", quoted(&column.name)) };
        Some(format!("        {} {name}{keys}{meant}", type_word(&column.r#type)))
    });
    drawn.collect()
}

/// `"public.orders" }o--|| "public.customers" : "customer_id"`: any number of orders, each of exactly one customer.
fn line(table: &CatalogRelation, key: &CatalogForeignKey) -> String {
    let of_these = if key.is_unique { "|o" } else { "}o" };
    let of_those = if key.is_required { "||" } else { "o|" };
    let label = quoted(&key.columns.join(", "));
    format!("{} {of_these}--{of_those} {} : \"{label}\"", entity(&table.name), entity(&key.target))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables with a key and some columns more.
    fn tables(count: usize) -> Vec<CatalogRelation> {
        let column = |name: String| serde_json::json!({ "name": name, "type": "text", "not_null": true });
        let table = |number: usize| {
            serde_json::from_value(serde_json::json!({
                "name": ["public", format!("table_{number:05}")],
                "kind": "table",
                "columns": (0..20).map(|at| column(format!("column_{at}"))).collect::<Vec<_>>(),
                "constraints": [{
                    "name": "key", "kind": "primary_key", "columns": ["column_0"], "definition": "", "is_valid": true,
                }],
                "foreign_keys": [], "indexes": [], "partitions": [], "parents": [], "reads": [],
            }))
            .expect("a table")
        };
        (0..count).map(table).collect()
    }

    #[test]
    fn what_is_too_large_is_drawn_with_less_of_it() {
        let depth = |count: usize| {
            let tables = tables(count);
            diagram(&tables.iter().collect::<Vec<_>>()).map(|(text, depth)| {
                assert!(text.len() <= CHARS_MAX);
                assert_eq!(text.matches("public.table_").count(), count);
                depth
            })
        };
        assert_eq!(depth(0), None);
        assert_eq!(depth(10), Some(Depth::Columns));
        assert_eq!(depth(300), Some(Depth::Keys));
        assert_eq!(depth(1_000), Some(Depth::Names));
        assert_eq!(depth(5_000), None);
    }
}
