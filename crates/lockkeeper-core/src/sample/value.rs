//! One value of a type.

/// How values of a type are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Small,
    Int,
    /// Digits before the point at most.
    Numeric(Option<u32>),
    Float,
    /// Characters at most.
    Text(Option<u32>),
    Bytea,
    Uuid,
    Date,
    Time,
    Timestamp,
    Interval,
    Json,
    Xml,
    Inet,
    Cidr,
    MacAddr,
    MacAddr8,
    Bits(u32),
    Point,
    Line,
    Segment,
    Box,
    Path,
    Polygon,
    Circle,
    TextSearch,
    Lsn,
    Pairs,
    Enum(Vec<String>),
    Range(Box<Kind>),
    Array(Box<Kind>),
    /// Nobody here knows how to write one.
    Unknown,
}

impl Kind {
    /// By the server's name of a type, and what stands in parentheses behind it.
    pub fn of(name: &str, modifiers: &[u32]) -> Self {
        let first = modifiers.first().copied();
        match name {
            "bool" => Self::Bool,
            "int2" => Self::Small,
            "int4" | "int8" | "oid" | "money" => Self::Int,
            "numeric" => {
                let scale = modifiers.get(1).copied().unwrap_or(0);
                Self::Numeric(first.map(|precision| precision.saturating_sub(scale)))
            }
            "float4" | "float8" => Self::Float,
            "text" | "citext" | "name" | "ltree" => Self::Text(None),
            "varchar" | "bpchar" => Self::Text(first),
            "char" => Self::Text(Some(1)),
            "bytea" => Self::Bytea,
            "uuid" => Self::Uuid,
            "date" => Self::Date,
            "time" | "timetz" => Self::Time,
            "timestamp" | "timestamptz" => Self::Timestamp,
            "interval" => Self::Interval,
            "json" | "jsonb" => Self::Json,
            "xml" => Self::Xml,
            "inet" => Self::Inet,
            "cidr" => Self::Cidr,
            "macaddr" => Self::MacAddr,
            "macaddr8" => Self::MacAddr8,
            "bit" | "varbit" => Self::Bits(first.unwrap_or(1)),
            "point" => Self::Point,
            "line" => Self::Line,
            "lseg" => Self::Segment,
            "box" => Self::Box,
            "path" => Self::Path,
            "polygon" => Self::Polygon,
            "circle" => Self::Circle,
            "tsvector" | "tsquery" => Self::TextSearch,
            "pg_lsn" => Self::Lsn,
            "hstore" => Self::Pairs,
            _ => Self::Unknown,
        }
    }

    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    pub const fn is_number(&self) -> bool {
        matches!(self, Self::Small | Self::Int | Self::Numeric(_) | Self::Float)
    }

    /// The `n`th value, as the server reads it from a text. Different ones for different `n`, as far as the type
    /// has so many.
    pub fn value(&self, n: u64) -> Option<String> {
        let day = || format!("{:04}-{:02}-{:02}", 2000 + n / 336 % 100, n / 28 % 12 + 1, n % 28 + 1);
        let clock = || format!("{:02}:{:02}:{:02}", n / 3600 % 24, n / 60 % 60, n % 60);
        let bytes = (n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff);
        Some(match self {
            Self::Bool => if n.is_multiple_of(2) { "true" } else { "false" }.to_owned(),
            Self::Small => (n % 32_000 + 1).to_string(),
            Self::Int => (n % 2_000_000_000 + 1).to_string(),
            Self::Numeric(None) => (n + 1).to_string(),
            Self::Numeric(Some(digits)) => (n % 10_u64.saturating_pow(*digits)).to_string(),
            Self::Float => format!("{n}.5"),
            Self::Text(None) => format!("s{n:04}"),
            Self::Text(Some(chars)) => short(n, *chars),
            Self::Bytea => format!("\\x{n:016x}"),
            Self::Uuid => format!("00000000-0000-4000-8000-{:012x}", n & 0xffff_ffff_ffff),
            Self::Date => day(),
            Self::Time => clock(),
            Self::Timestamp => format!("{} {}", day(), clock()),
            Self::Interval => format!("{} seconds", n + 1),
            Self::Json => format!("{{\"n\": {n}}}"),
            Self::Xml => format!("<n>{n}</n>"),
            Self::Inet => format!("10.{}.{}.{}", bytes.0, bytes.1, bytes.2),
            Self::Cidr => format!("10.{}.{}.{}/32", bytes.0, bytes.1, bytes.2),
            Self::MacAddr => format!("02:00:00:{:02x}:{:02x}:{:02x}", bytes.0, bytes.1, bytes.2),
            Self::MacAddr8 => format!("02:00:00:00:00:{:02x}:{:02x}:{:02x}", bytes.0, bytes.1, bytes.2),
            Self::Bits(length) => {
                let digits = format!("{n:0>64b}");
                let length = usize::try_from(*length).unwrap_or(64);
                let padded = format!("{}{digits}", "0".repeat(length.saturating_sub(64)));
                padded[padded.len() - length..].to_owned()
            }
            Self::Point => format!("({n},1)"),
            Self::Line => format!("{{1,{},2}}", n + 1),
            Self::Segment => format!("[({n},0),({n},1)]"),
            Self::Box => format!("({},1),({n},0)", n + 1),
            Self::Path => format!("[(0,0),({n},1)]"),
            Self::Polygon => format!("((0,0),({n},1),(1,{n}))"),
            Self::Circle => format!("<({n},1),2>"),
            Self::TextSearch => format!("s{n}"),
            Self::Lsn => format!("0/{n:X}"),
            Self::Pairs => format!("n=>{n}"),
            Self::Enum(labels) => labels.get(index(n, labels.len())?)?.clone(),
            Self::Range(of) => format!("[{},{})", of.value(n * 2)?, of.value(n * 2 + 1)?),
            Self::Array(of) => {
                let of = (of.value(n)?, of.value(n + 1)?);
                format!("{{{},{}}}", element(&of.0), element(&of.1))
            }
            Self::Unknown => return None,
        })
    }
}

fn index(n: u64, length: usize) -> Option<usize> {
    usize::try_from(n.checked_rem(u64::try_from(length).ok()?)?).ok()
}

/// A text of at most so many characters, a letter first where there is room.
fn short(n: u64, chars: u32) -> String {
    const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let room = usize::try_from(chars).unwrap_or(5);
    if room >= 5 {
        return format!("s{:0>1$}", n % 10_u64.saturating_pow(chars - 1), room.min(5) - 1);
    }
    let (mut rest, mut text) = (n, String::new());
    for place in 0..room {
        let base = if place + 1 == room { 26 } else { 36 };
        text.insert(0, char::from(DIGITS[usize::try_from(rest % base).unwrap_or(0)]));
        rest /= base;
    }
    text
}

/// A value as it stands in an array.
fn element(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A text as SQL writes it.
pub fn literal(text: &str) -> String {
    if text.contains('\\') {
        format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// The values that a condition names: texts, or numbers and their neighbours.
pub fn named_in(condition: &str, kind: &Kind) -> Vec<String> {
    let kind = match kind {
        Kind::Array(of) | Kind::Range(of) => of,
        kind => kind,
    };
    if kind.is_number() { numbers(condition) } else { texts(condition) }
}

fn texts(condition: &str) -> Vec<String> {
    // What stands between quotes is every second part; a doubled quote leaves an empty part between two of them.
    let (mut found, mut open) = (Vec::new(), None::<String>);
    let mut parts = condition.split('\'').enumerate().peekable();
    while let Some((place, part)) = parts.next() {
        let inside = place % 2 == 1;
        if inside {
            let text = open.take().map_or_else(|| part.to_owned(), |before| format!("{before}'{part}"));
            let doubled = parts.next_if(|(_, next)| next.is_empty()).is_some() && parts.peek().is_some();
            if doubled {
                open = Some(text);
            } else {
                found.push(text);
            }
        }
    }
    found
}

fn numbers(condition: &str) -> Vec<String> {
    let words = condition.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_');
    let numbers = words.filter_map(|word| word.parse::<i64>().ok());
    numbers.flat_map(|it| [it, it.saturating_add(1), it.saturating_sub(1)]).map(|it| it.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn values_differ_and_fit() {
        for (kind, many) in [
            (Kind::Text(None), 5000),
            (Kind::Text(Some(2)), 900),
            (Kind::Text(Some(7)), 5000),
            (Kind::Int, 5000),
            (Kind::Uuid, 5000),
            (Kind::Date, 5000),
            (Kind::Array(Box::new(Kind::Text(None))), 500),
            (Kind::Bits(12), 4000),
        ] {
            let values: BTreeSet<_> = (0..many).map(|n| kind.value(n).unwrap()).collect();
            assert_eq!(values.len() as u64, many, "{kind:?}");
        }
        for chars in 1..10 {
            let room = usize::try_from(chars).unwrap();
            assert!((0..2000).all(|n| Kind::Text(Some(chars)).value(n).unwrap().len() <= room), "{chars}");
        }
        assert_eq!(Kind::Bits(70).value(5).unwrap().len(), 70);
    }

    #[test]
    fn what_a_condition_names_is_tried() {
        let check = "CHECK ((state = ANY (ARRAY['new'::text, 'it''s'::text])))";
        assert_eq!(named_in(check, &Kind::Text(None)), ["new", "it's"]);
        assert_eq!(named_in("CHECK (((a > 10) AND (b_2 < 3)))", &Kind::Int), ["10", "11", "9", "3", "4", "2"]);
        assert_eq!(named_in("CHECK ((a <> ''::text))", &Kind::Text(None)), [""]);
    }
}
