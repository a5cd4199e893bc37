//! Messages of the protocol, version 3.0 (manual, Frontend/Backend Protocol, Message Formats).

use std::io::{Error, ErrorKind, Read, Result};

/// No message of these tests is longer; a longer one means that framing was lost.
const BYTES_MAX: u32 = 64 * 1024 * 1024;

/// One message as it travels: its type's letter, its length, its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub bytes: Vec<u8>,
}

/// What a connection begins with: no letter, a code instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    Startup,
    Cancel,
    /// A question whether this server does TLS or GSSAPI.
    Encryption,
}

pub(super) const QUERY: u8 = b'Q';
pub(super) const PARSE: u8 = b'P';
pub(super) const SYNC: u8 = b'S';
pub(super) const FLUSH: u8 = b'H';
pub(super) const TERMINATE: u8 = b'X';
pub(super) const READY_FOR_QUERY: u8 = b'Z';

const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;

impl Frame {
    pub fn read(from: &mut impl Read) -> Result<Self> {
        let mut letter = [0; 1];
        from.read_exact(&mut letter)?;
        let mut bytes = letter.to_vec();
        body(from, &mut bytes)?;
        Ok(Self { bytes })
    }

    /// The first message of a connection.
    pub fn read_opening(from: &mut impl Read) -> Result<(Opening, Self)> {
        let mut bytes = Vec::new();
        body(from, &mut bytes)?;
        let code = bytes.get(4..8).and_then(|code| code.try_into().ok()).map_or(0, u32::from_be_bytes);
        let opening = match code {
            CANCEL_REQUEST => Opening::Cancel,
            SSL_REQUEST | GSSENC_REQUEST => Opening::Encryption,
            _ => Opening::Startup,
        };
        Ok((opening, Self { bytes }))
    }

    pub fn letter(&self) -> u8 {
        self.bytes.first().copied().unwrap_or(0)
    }

    /// The statements of a Query or a Parse message.
    pub fn sql(&self) -> Option<String> {
        let contents = self.bytes.get(5..)?;
        let text = match self.letter() {
            QUERY => contents,
            // The name of the prepared statement comes first.
            PARSE => contents.get(contents.iter().position(|byte| *byte == 0)? + 1..)?,
            _ => return None,
        };
        Some(String::from_utf8_lossy(text.split(|byte| *byte == 0).next()?).into_owned())
    }

    /// The same message with another text, for a Query or a Parse message.
    pub fn with_sql(&self, sql: &str) -> Self {
        let contents = self.bytes.get(5..).unwrap_or_default();
        let mut parts = contents.splitn(2, |byte| *byte == 0);
        let mut changed = Vec::new();
        if self.letter() == PARSE {
            changed.extend(parts.next().unwrap_or_default());
            changed.push(0);
        }
        changed.extend(sql.as_bytes());
        changed.push(0);
        if self.letter() == PARSE {
            // Without types for its parameters: the text has none.
            changed.extend(0_u16.to_be_bytes());
        }
        let length = u32::try_from(changed.len() + 4).unwrap_or(BYTES_MAX);
        Self { bytes: [&[self.letter()], &length.to_be_bytes()[..], &changed].concat() }
    }
}

/// The length, which counts itself, and what it announces.
fn body(from: &mut impl Read, bytes: &mut Vec<u8>) -> Result<()> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    bytes.extend(length);
    let length = u32::from_be_bytes(length);
    if !(4..BYTES_MAX).contains(&length) {
        return Err(Error::new(ErrorKind::InvalidData, "no message has this length"));
    }
    let start = bytes.len();
    bytes.resize(start + length as usize - 4, 0);
    from.read_exact(&mut bytes[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_read_and_replaced() {
        let query = Frame { bytes: b"Q\x00\x00\x00\x0dSELECT 1\x00".to_vec() };
        assert_eq!(Frame::read(&mut &query.bytes[..]).unwrap(), query);
        assert_eq!(query.sql().as_deref(), Some("SELECT 1"));
        let other = query.with_sql("COMMIT");
        assert_eq!(Frame::read(&mut &other.bytes[..]).unwrap().sql().as_deref(), Some("COMMIT"));
        let parse = Frame { bytes: b"P\x00\x00\x00\x15a1\x00SELECT $1\x00\x00\x01\x00\x00\x00\x17".to_vec() };
        assert_eq!(parse.sql().as_deref(), Some("SELECT $1"));
        let other = parse.with_sql("SELECT 1");
        assert_eq!(other.bytes, b"P\x00\x00\x00\x12a1\x00SELECT 1\x00\x00\x00");
        assert_eq!(Frame::read(&mut &other.bytes[..]).unwrap(), other);
    }

    #[test]
    fn a_message_of_no_length_is_refused() {
        assert!(Frame::read(&mut &b"Q\x00\x00\x00\x01"[..]).is_err());
        assert!(Frame::read(&mut &b"Q\xff\x00\x00\x01"[..]).is_err());
    }
}
