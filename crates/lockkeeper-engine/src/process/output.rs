//! What a command wrote, kept to a size.

use tokio::io::{AsyncRead, AsyncReadExt};

/// The beginning or the end of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    bytes: Vec<u8>,
    max: usize,
    is_beginning: bool,
    is_cut: bool,
}

impl Kept {
    pub(super) const fn beginning(max: usize) -> Self {
        Self { bytes: Vec::new(), max, is_beginning: true, is_cut: false }
    }

    pub(super) const fn end(max: usize) -> Self {
        Self { bytes: Vec::new(), max, is_beginning: false, is_cut: false }
    }

    /// Reads to the end, whatever is kept of it.
    pub(super) async fn read(&mut self, from: Option<impl AsyncRead + Unpin>) -> std::io::Result<()> {
        let Some(mut from) = from else { return Ok(()) };
        let mut buffer = vec![0; 8192];
        loop {
            let read = from.read(&mut buffer).await?;
            if read == 0 {
                return Ok(());
            }
            self.keep(&buffer[..read]);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let over = self.bytes.len().saturating_sub(self.max);
        if over == 0 {
            return;
        }
        self.is_cut = true;
        if self.is_beginning {
            self.bytes.truncate(self.max);
        } else {
            self.bytes.drain(..over);
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether there was more than was kept.
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Its last lines that say something.
    pub fn last_lines(&self, count: usize) -> Vec<String> {
        let text = self.text();
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_or_the_end_is_kept() {
        let (mut first, mut last) = (Kept::beginning(4), Kept::end(4));
        for part in [b"ab".as_slice(), b"cdef", b"g"] {
            first.keep(part);
            last.keep(part);
        }
        assert_eq!((first.bytes(), first.is_cut()), (b"abcd".as_slice(), true));
        assert_eq!((last.bytes(), last.is_cut()), (b"defg".as_slice(), true));
        let mut exact = Kept::end(4);
        exact.keep(b"abcd");
        assert!(!exact.is_cut());
    }

    #[test]
    fn the_last_lines_are_told() {
        let mut kept = Kept::end(100);
        kept.keep(b"a\nb\n\nc \nd\n");
        assert_eq!(kept.last_lines(3), ["b", "c", "d"]);
    }
}
