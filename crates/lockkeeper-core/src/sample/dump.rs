//! What a plain SQL dump holds, as `pg_dump` writes it: which tables' rows, and where in the file they stand. The rows
//! themselves are left where they are.

use super::dump_text::{Header, Statement, header, identifiers};
use crate::message;
use crate::model::Message;

/// INSERT statements that follow each other are run together up to this many bytes.
const INSERTS_TOGETHER: u64 = 256 * 1024;

/// A dump, read once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Dump {
    /// In the order of the dump.
    pub tables: Vec<DumpTable>,
    /// The statements that set a sequence to where it stood.
    pub sequences: Vec<DumpPart>,
    /// How many statements are neither rows nor settings, and are not run.
    pub left_out: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpTable {
    /// Schema and name, without quotes.
    pub schema: String,
    pub name: String,
    pub columns: DumpColumns,
    pub parts: Vec<DumpPart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DumpColumns {
    /// Without quotes.
    Named(Vec<String>),
    /// An INSERT without a list of columns: how many values it has.
    Counted(usize),
}

/// Bytes `from..to` of the dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DumpPart {
    pub kind: DumpPartKind,
    pub from: u64,
    pub to: u64,
    /// The first one's number in the file, from 1.
    pub line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DumpPartKind {
    /// Lines of COPY's text format.
    Copy,
    /// Whole statements.
    Sql,
}

/// Why a dump cannot be used, and at which of its lines (from 1). It tells no value.
#[derive(Debug, PartialEq, Eq)]
pub struct DumpFault {
    pub line: usize,
    pub message: Message,
}

/// Reads a dump line by line.
#[derive(Debug, Default)]
pub struct DumpReader {
    dump: Dump,
    statement: Statement,
    copy: Option<CopyBlock>,
    line: usize,
    offset: u64,
    /// The table of the statement before, where that was an INSERT.
    inserted: Option<usize>,
}

#[derive(Debug)]
struct CopyBlock {
    table: usize,
    from: u64,
    line: usize,
    columns: usize,
}

impl DumpReader {
    /// The next line, with its line end.
    ///
    /// # Errors
    /// What cannot be a dump's.
    pub fn line(&mut self, line: &[u8]) -> Result<(), DumpFault> {
        self.line += 1;
        let start = self.offset;
        self.offset += u64::try_from(line.len()).unwrap_or(u64::MAX);
        if let Some(block) = &self.copy {
            return self.data(line, start, block.columns);
        }
        if self.statement.is_empty() && line.first() == Some(&b'\\') {
            return self.client_command(line);
        }
        for (at, byte) in (start..).zip(line) {
            if self.statement.push(*byte, at, self.line) {
                let statement = std::mem::take(&mut self.statement);
                self.ended(&statement, at + 1)?;
            }
        }
        self.statement.end_line();
        Ok(())
    }

    /// # Errors
    /// A dump that ends too early.
    pub fn end(self) -> Result<Dump, DumpFault> {
        if let Some(block) = self.copy {
            return Err(DumpFault { line: block.line, message: message!("dump-copy-open") });
        }
        if !self.statement.is_empty() {
            return Err(DumpFault { line: self.statement.line, message: message!("dump-statement-open") });
        }
        Ok(self.dump)
    }

    fn data(&mut self, line: &[u8], start: u64, columns: usize) -> Result<(), DumpFault> {
        let text = line.trim_ascii_end();
        if text == b"\\." {
            if let Some(block) = self.copy.take().filter(|block| block.from < start) {
                let part = DumpPart { kind: DumpPartKind::Copy, from: block.from, to: start, line: block.line + 1 };
                self.dump.tables[block.table].parts.push(part);
            }
            return Ok(());
        }
        // A tab that is a value's own is written as a backslash and a letter.
        let found = line.split(|byte| *byte == b'\t').count();
        if found != columns.max(1) {
            let message = message!("dump-columns-differ", expected = columns, found = found);
            return Err(DumpFault { line: self.line, message });
        }
        Ok(())
    }

    fn client_command(&mut self, line: &[u8]) -> Result<(), DumpFault> {
        self.inserted = None;
        let word = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        match word {
            b"\\restrict" | b"\\unrestrict" => Ok(()),
            b"\\connect" => {
                self.dump.left_out += 1;
                Ok(())
            }
            _ => Err(DumpFault { line: self.line, message: message!("dump-client-command") }),
        }
    }

    fn ended(&mut self, statement: &Statement, end: u64) -> Result<(), DumpFault> {
        let fault = |message| Err(DumpFault { line: statement.line, message });
        let inserted = self.inserted.take();
        match header(statement) {
            Header::Setting(name, value) => match (name.as_str(), value.to_ascii_lowercase().as_str()) {
                ("client_encoding", "utf8" | "utf-8" | "unicode") | ("standard_conforming_strings", "on") => Ok(()),
                ("client_encoding" | "standard_conforming_strings", _) => {
                    fault(message!("dump-setting", setting = name, value = value))
                }
                _ => Ok(()),
            },
            Header::Sequence => {
                let part = DumpPart { kind: DumpPartKind::Sql, from: statement.from, to: end, line: statement.line };
                self.dump.sequences.push(part);
                Ok(())
            }
            Header::Other => {
                self.dump.left_out += 1;
                Ok(())
            }
            Header::Unreadable => fault(message!("dump-unreadable")),
            Header::Copy { table, columns } => {
                let count = columns.len();
                let Some(table) = self.table(&table, DumpColumns::Named(columns)) else {
                    return fault(message!("dump-unreadable"));
                };
                self.copy = Some(CopyBlock { table, from: self.offset, line: statement.line, columns: count });
                Ok(())
            }
            Header::Insert { table, columns } => {
                let columns = columns.map_or_else(|| DumpColumns::Counted(statement.values()), DumpColumns::Named);
                let Some(table) = self.table(&table, columns) else { return fault(message!("dump-unreadable")) };
                let parts = &mut self.dump.tables[table].parts;
                match parts.last_mut() {
                    Some(last) if inserted == Some(table) && end - last.from < INSERTS_TOGETHER => last.to = end,
                    _ => parts.push(DumpPart {
                        kind: DumpPartKind::Sql,
                        from: statement.from,
                        to: end,
                        line: statement.line,
                    }),
                }
                self.inserted = Some(table);
                Ok(())
            }
        }
    }

    /// The number of a table in the dump.
    fn table(&mut self, name: &str, columns: DumpColumns) -> Option<usize> {
        let (schema, name) = match &identifiers(name, b'.')?[..] {
            [schema, name] => (schema.clone(), name.clone()),
            [name] => ("public".to_owned(), name.clone()),
            _ => return None,
        };
        let tables = &mut self.dump.tables;
        let known = tables.iter().position(|it| it.schema == schema && it.name == name && it.columns == columns);
        Some(known.unwrap_or_else(|| {
            tables.push(DumpTable { schema, name, columns, parts: Vec::new() });
            tables.len() - 1
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Dump, DumpFault> {
        let mut reader = DumpReader::default();
        for line in text.split_inclusive('\n') {
            reader.line(line.as_bytes())?;
        }
        reader.end()
    }

    /// Each table with its columns and the texts of its parts.
    fn told(text: &str) -> Vec<String> {
        let part = |it: &DumpPart| {
            let from = usize::try_from(it.from).unwrap();
            format!("{}:{:?}", it.line, &text[from..usize::try_from(it.to).unwrap()])
        };
        let table = |it: &DumpTable| {
            let parts: Vec<String> = it.parts.iter().map(part).collect();
            format!("{}.{} {:?} {}", it.schema, it.name, it.columns, parts.join(" "))
        };
        read(text).unwrap().tables.iter().map(table).collect()
    }

    #[test]
    fn rows_are_found_where_they_stand() {
        let text = "--\n-- PostgreSQL; it's a dump\n--\n\\restrict abc\nSET client_encoding = 'UTF8';\n\
                    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ INSERT INTO x VALUES (1); $$;\n\
                    CREATE PROCEDURE g()\n    BEGIN ATOMIC\n INSERT INTO x VALUES (1);\nEND;\n\
                    COPY public.\"My; boats\" (id, \"a,b\") FROM stdin;\n1\tx;'y\n2\t\\N\n\\.\n\n\
                    COPY public.none (id) FROM stdin;\n\\.\n\
                    INSERT INTO public.a VALUES (1, 'it''s; (', NULL);\nINSERT INTO public.a VALUES (2, 'a\nb', 3);\n\
                    INSERT INTO public.b (id) VALUES (1);\nSELECT pg_catalog.setval('public.a_id_seq', 2, true);\n\
                    \\unrestrict abc\n";
        assert_eq!(
            told(text),
            [
                "public.My; boats Named([\"id\", \"a,b\"]) 12:\"1\\tx;'y\\n2\\t\\\\N\\n\"",
                "public.none Named([\"id\"]) ",
                "public.a Counted(3) 18:\"INSERT INTO public.a VALUES (1, 'it''s; (', NULL);\\n\
                 INSERT INTO public.a VALUES (2, 'a\\nb', 3);\"",
                "public.b Named([\"id\"]) 21:\"INSERT INTO public.b (id) VALUES (1);\"",
            ]
        );
        let dump = read(text).unwrap();
        assert_eq!((dump.sequences.len(), dump.left_out), (1, 2));
    }

    #[test]
    fn what_is_broken_is_placed() {
        let fault = |text: &str| read(text).map_err(|it| (it.line, it.message.id)).unwrap_err();
        assert_eq!(fault("SET a = 1;\nCOPY public.a (id, n) FROM stdin;\n1\tx\n2\n"), (4, "dump-columns-differ"));
        assert_eq!(fault("\nCOPY public.a (id) FROM stdin;\n1\n"), (2, "dump-copy-open"));
        assert_eq!(fault("\n\nINSERT INTO a VALUES ('x);\n"), (3, "dump-statement-open"));
        assert_eq!(fault("SET client_encoding = 'EUC_KR';\n"), (1, "dump-setting"));
        assert_eq!(fault("\\! rm -r /\n"), (1, "dump-client-command"));
        assert_eq!(fault("INSERT INTO a.b.c.d VALUES (1);\n"), (1, "dump-unreadable"));
        assert_eq!(fault("COPY public.a FROM '/etc/passwd';\n"), (1, "dump-unreadable"));
    }
}
