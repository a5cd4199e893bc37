//! Columns that line up, wide scripts included.

use unicode_width::UnicodeWidthStr;

use super::{Printer, Tone};

/// One cell: text and what it means.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    tone: Option<Tone>,
}

/// Rows of cells under a heading.
#[derive(Debug, Clone, Default)]
pub struct Table {
    heading: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
}

impl Cell {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: None }
    }

    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone: Some(tone) }
    }
}

impl Table {
    pub fn new(heading: Vec<String>) -> Self {
        Self { heading: heading.into_iter().map(|text| Cell::toned(text, Tone::Quiet)).collect(), rows: Vec::new() }
    }

    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The table's lines, two spaces between columns, nothing behind the last.
    pub(super) fn lines(&self, printer: &Printer) -> Vec<String> {
        let all: Vec<&Vec<Cell>> = std::iter::once(&self.heading).chain(&self.rows).collect();
        let columns = self.heading.len();
        let width = |column: usize| {
            all.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.width()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        all.iter().map(|row| line(row, &widths, printer.color)).collect()
    }
}

fn line(row: &[Cell], widths: &[usize], color: bool) -> String {
    let mut line = String::new();
    for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
        let text = cell.tone.map_or_else(|| cell.text.clone(), |tone| tone.paint(&cell.text, color));
        line.push_str(&text);
        if index + 1 < row.len() {
            line.push_str(&" ".repeat(width.saturating_sub(cell.text.width()) + 2));
        }
    }
    line.trim_end().to_owned()
}
