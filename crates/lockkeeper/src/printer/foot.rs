//! Lines at the foot of a terminal that are drawn anew, while what is said goes on above them.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{Printer, Tone};

/// The foot. Its lines are gone with it.
pub struct Foot<'p> {
    printer: &'p Printer,
    all: MultiProgress,
    lines: Vec<ProgressBar>,
}

impl<'p> Foot<'p> {
    /// `None` when nobody watches.
    pub(super) fn open(printer: &'p Printer, lines: usize) -> Option<Self> {
        if !printer.is_watched() {
            return None;
        }
        let all = printer.foot.get_or_init(MultiProgress::new).clone();
        // A line that is too long for the terminal is cut, not wrapped: a wrapped one could not be drawn over.
        let style = ProgressStyle::with_template("{wide_msg}").ok()?;
        let line = |_| all.add(ProgressBar::new_spinner().with_style(style.clone()));
        let lines = (0..lines).map(line).collect();
        Some(Self { printer, all, lines })
    }

    /// Puts a line in the place of the one that stands there.
    pub fn show(&self, at: usize, text: &str, tone: Tone) {
        if let Some(line) = self.lines.get(at) {
            line.set_message(tone.paint(text, self.printer.color_errors));
            line.tick();
        }
    }
}

impl Drop for Foot<'_> {
    fn drop(&mut self) {
        for line in &self.lines {
            line.finish_and_clear();
            self.all.remove(line);
        }
    }
}
