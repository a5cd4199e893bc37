//! The page as Markdown: a chapter for each schema, with its diagram, its tables, views and types.

use lockkeeper_core::message;
use lockkeeper_core::model::Message;
use lockkeeper_engine::postgres::{
    Catalog, CatalogColumn, CatalogConstraintKind, CatalogForeignKey, CatalogIdentity, CatalogKind, CatalogName,
    CatalogOnDelete, CatalogRelation,
};

use super::escape::{code, code_cell, ident, prose, qualified};
use super::mermaid::{Depth, diagram};
use crate::printer::Printer;

/// The whole page. The same schema always makes the same page.
pub fn page(catalog: &Catalog, printer: &Printer) -> String {
    let mut page = Page { printer, blocks: Vec::new() };
    page.block(format!("# {}", page.text(&message!("docs-title"))));
    page.block(format!("<!-- {} -->", page.text(&message!("docs-made"))));
    for schema in &catalog.schemas {
        let of_it = |name: &CatalogName| name.0 == schema.name;
        page.block(format!("## {}", page.told(&message!("docs-schema"), &code(&ident(&schema.name)))));
        page.comment(schema.comment.as_deref());
        let relations: Vec<&CatalogRelation> = catalog.relations.iter().filter(|it| of_it(&it.name)).collect();
        let (tables, views): (Vec<_>, Vec<_>) = relations.into_iter().partition(|it| it.kind.is_table());
        page.diagram(&tables);
        for table in &tables {
            page.relation(table, catalog);
        }
        for view in &views {
            page.relation(view, catalog);
        }
        page.types(catalog, &schema.name);
    }
    if catalog.relations.is_empty() && catalog.enums.is_empty() && catalog.domains.is_empty() {
        page.block(page.text(&message!("docs-empty")));
    }
    format!("{}\n", page.blocks.join("\n\n"))
}

struct Page<'p> {
    printer: &'p Printer,
    blocks: Vec<String>,
}

fn name_of((schema, name): &CatalogName) -> String {
    qualified(schema, name)
}

fn columns_of(columns: &[String]) -> String {
    columns.iter().map(|column| ident(column)).collect::<Vec<_>>().join(", ")
}

impl Page<'_> {
    fn text(&self, message: &Message) -> String {
        self.printer.text(message)
    }

    /// A word of ours with a piece of Markdown behind it, which is no argument of a message.
    fn told(&self, label: &Message, markdown: &str) -> String {
        format!("{} {markdown}", self.text(label))
    }

    fn block(&mut self, text: String) {
        self.blocks.push(text);
    }

    fn comment(&mut self, comment: Option<&str>) {
        if let Some(comment) = comment {
            self.block(prose(comment));
        }
    }

    fn diagram(&mut self, tables: &[&CatalogRelation]) {
        match diagram(tables) {
            Some((text, depth)) => {
                self.block(format!("```mermaid\n{text}\n```"));
                match depth {
                    Depth::Columns => {}
                    Depth::Keys => self.block(self.text(&message!("docs-diagram-keys"))),
                    Depth::Names => self.block(self.text(&message!("docs-diagram-names"))),
                }
            }
            None if tables.is_empty() => {}
            None => self.block(self.text(&message!("docs-diagram-too-large", count = tables.len()))),
        }
    }

    fn relation(&mut self, relation: &CatalogRelation, catalog: &Catalog) {
        let kind = match relation.kind {
            CatalogKind::Table => message!("docs-table"),
            CatalogKind::PartitionedTable => message!("docs-partitioned-table"),
            CatalogKind::ForeignTable => message!("docs-foreign-table"),
            CatalogKind::View => message!("docs-view"),
            CatalogKind::MaterializedView => message!("docs-materialized-view"),
        };
        self.block(format!("### {}", self.told(&kind, &code(&name_of(&relation.name)))));
        self.comment(relation.comment.as_deref());
        self.columns(&relation.columns);
        let mut lines = Vec::new();
        lines
            .extend(relation.partition_key.as_ref().map(|key| self.line(&message!("docs-partitioned-by"), &code(key))));
        lines.extend(relation.parents.iter().map(|it| self.line(&message!("docs-inherits"), &code(&name_of(it)))));
        lines.extend(relation.reads.iter().map(|it| self.line(&message!("docs-reads"), &code(&name_of(it)))));
        for constraint in &relation.constraints {
            let label = match constraint.kind {
                CatalogConstraintKind::PrimaryKey => message!("docs-primary-key"),
                CatalogConstraintKind::Unique => message!("docs-unique"),
                CatalogConstraintKind::Exclusion => message!("docs-exclusion"),
                CatalogConstraintKind::Check => message!("docs-check"),
            };
            let told = format!("{}: {}", code(&ident(&constraint.name)), code(&constraint.definition));
            lines.push(self.line(&label, &self.with(&told, constraint.is_valid, constraint.comment.as_deref())));
        }
        lines.extend(relation.foreign_keys.iter().map(|key| self.foreign_key(key)));
        for index in &relation.indexes {
            let told = code(&index.definition);
            lines.push(self.line(&message!("docs-index"), &self.with(&told, index.is_valid, index.comment.as_deref())));
        }
        lines.extend(self.referring(relation, catalog));
        if !lines.is_empty() {
            self.block(lines.join("\n"));
        }
        self.partitions(relation);
    }

    fn columns(&mut self, columns: &[CatalogColumn]) {
        if columns.is_empty() {
            return;
        }
        let heads = [
            message!("docs-column"),
            message!("docs-type"),
            message!("docs-null"),
            message!("docs-default"),
            message!("docs-comment"),
        ];
        let heads: Vec<String> = heads.iter().map(|head| self.text(head)).collect();
        let mut lines = vec![format!("| {} |", heads.join(" | ")), "| --- | --- | --- | --- | --- |".to_owned()];
        for column in columns {
            let null = if column.not_null { message!("docs-no") } else { message!("docs-yes") };
            let default = match (&column.identity, &column.generated, &column.default) {
                (Some(CatalogIdentity::Always), _, _) => self.text(&message!("docs-identity-always")),
                (Some(CatalogIdentity::ByDefault), _, _) => self.text(&message!("docs-identity-by-default")),
                (None, Some(expression), _) => {
                    format!("{} {}", self.text(&message!("docs-generated")), code_cell(expression))
                }
                (None, None, Some(default)) => code_cell(default),
                (None, None, None) => String::new(),
            };
            let cells = [
                code_cell(&ident(&column.name)),
                code_cell(&column.r#type),
                self.text(&null),
                default,
                column.comment.as_deref().map(prose).unwrap_or_default(),
            ];
            // An empty cell has one blank, as a formatter of Markdown leaves it.
            let cells = cells.map(|cell| if cell.is_empty() { " ".to_owned() } else { format!(" {cell} ") });
            lines.push(format!("|{}|", cells.join("|")));
        }
        self.block(lines.join("\n"));
    }

    fn line(&self, label: &Message, markdown: &str) -> String {
        format!("* {}: {markdown}", self.text(label))
    }

    /// What has not been held against all rows, or was not built to its end, is told as such.
    fn with(&self, told: &str, is_valid: bool, comment: Option<&str>) -> String {
        let invalid = if is_valid { String::new() } else { format!(" **{}**", self.text(&message!("docs-not-valid"))) };
        let comment = comment.map(|comment| format!(" — {}", prose(comment))).unwrap_or_default();
        format!("{told}{invalid}{comment}")
    }

    fn foreign_key(&self, key: &CatalogForeignKey) -> String {
        let many = match (key.is_unique, key.is_required) {
            (false, true) => message!("docs-many-to-one"),
            (false, false) => message!("docs-many-to-one-or-none"),
            (true, true) => message!("docs-one-to-one"),
            (true, false) => message!("docs-one-to-one-or-none"),
        };
        let on_delete = match key.on_delete {
            CatalogOnDelete::NoAction => None,
            CatalogOnDelete::Restrict => Some("ON DELETE RESTRICT"),
            CatalogOnDelete::Cascade => Some("ON DELETE CASCADE"),
            CatalogOnDelete::SetNull => Some("ON DELETE SET NULL"),
            CatalogOnDelete::SetDefault => Some("ON DELETE SET DEFAULT"),
        };
        let told = format!(
            "{}: {} → {}; {}{}",
            code(&ident(&key.name)),
            code(&columns_of(&key.columns)),
            code(&format!("{} ({})", name_of(&key.target), columns_of(&key.target_columns))),
            self.text(&many),
            on_delete.map(|it| format!("; {}", code(it))).unwrap_or_default()
        );
        self.line(&message!("docs-foreign-key"), &self.with(&told, key.is_valid, key.comment.as_deref()))
    }

    /// Whose foreign keys lead here, of all that is shown.
    fn referring(&self, relation: &CatalogRelation, catalog: &Catalog) -> Vec<String> {
        let all = catalog.relations.iter().flat_map(|from| from.foreign_keys.iter().map(move |key| (from, key)));
        all.filter(|(_, key)| key.target == relation.name)
            .map(|(from, key)| {
                let told = code(&format!("{} ({})", name_of(&from.name), columns_of(&key.columns)));
                self.line(&message!("docs-referenced-by"), &told)
            })
            .collect()
    }

    fn partitions(&mut self, relation: &CatalogRelation) {
        if relation.partitions.is_empty() {
            return;
        }
        let title = self.text(&message!("docs-partitions", count = relation.partitions.len()));
        let lines: Vec<String> = relation
            .partitions
            .iter()
            .map(|it| {
                let bound = it.bound.as_ref().map(|bound| format!(": {}", code(bound))).unwrap_or_default();
                format!("* {}{bound}", code(&name_of(&it.name)))
            })
            .collect();
        self.block(format!("<details><summary>{title}</summary>\n\n{}\n\n</details>", lines.join("\n")));
    }

    fn types(&mut self, catalog: &Catalog, schema: &str) {
        for it in catalog.enums.iter().filter(|it| it.name.0 == schema) {
            self.block(format!("### {}", self.told(&message!("docs-enum"), &code(&name_of(&it.name)))));
            self.comment(it.comment.as_deref());
            let labels: Vec<String> = it.labels.iter().map(|label| format!("* {}", code(label))).collect();
            if !labels.is_empty() {
                self.block(labels.join("\n"));
            }
        }
        for it in catalog.domains.iter().filter(|it| it.name.0 == schema) {
            self.block(format!("### {}", self.told(&message!("docs-domain"), &code(&name_of(&it.name)))));
            self.comment(it.comment.as_deref());
            let mut lines = vec![self.line(&message!("docs-type"), &code(&it.r#type))];
            if it.not_null {
                lines.push(format!("* {}", code("NOT NULL")));
            }
            lines.extend(it.default.as_ref().map(|default| self.line(&message!("docs-default"), &code(default))));
            lines.extend(it.checks.iter().map(|check| self.line(&message!("docs-check"), &code(check))));
            self.block(lines.join("\n"));
        }
    }
}
