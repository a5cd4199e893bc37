//! Identifiers, folded the way PostgreSQL folds them.

/// An identifier after folding: lower case unless it was quoted (manual, section 4.1.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ident(String);

impl Ident {
    /// From the source text of one identifier token.
    pub fn from_source(text: &str) -> Self {
        match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(quoted) => Self(quoted.replace("\"\"", "\"")),
            None => Self(text.to_lowercase()),
        }
    }

    /// As the catalog has it: nothing is folded.
    pub const fn exact(name: String) -> Self {
        Self(name)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// PostgreSQL's reserved words in order (manual, appendix C): a name that is one of them needs quotes.
const RESERVED: [&str; 101] = [
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "binary",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "group",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "natural",
    "not",
    "notnull",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "outer",
    "overlaps",
    "placing",
    "primary",
    "references",
    "returning",
    "right",
    "select",
    "session_user",
    "similar",
    "some",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
];

/// Quoted when PostgreSQL would need the quotes.
impl std::fmt::Display for Ident {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plain_start = self.0.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
        let plain = plain_start && self.0.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let plain = plain && RESERVED.binary_search(&self.0.as_str()).is_err();
        if plain { f.write_str(&self.0) } else { write!(f, "\"{}\"", self.0.replace('"', "\"\"")) }
    }
}

/// A name with its schema, when one was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    pub schema: Option<Ident>,
    pub name: Ident,
}

impl ObjectName {
    /// From the source text of a possibly qualified name; a database part in front is dropped.
    /// `None` when the text holds no identifier.
    pub fn from_source(text: &str) -> Option<Self> {
        let mut parts = split_on_dots(text);
        let name = Ident::from_source(parts.pop()?);
        let schema = parts.pop().map(Ident::from_source);
        Some(Self { schema, name })
    }
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => write!(f, "{}", self.name),
        }
    }
}

fn split_on_dots(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> String {
        ObjectName::from_source(text).unwrap().to_string()
    }

    #[test]
    fn folds_and_quotes_like_postgresql() {
        assert_eq!(name("Public.Users"), "public.users");
        assert_eq!(name("\"Us.ers\""), "\"Us.ers\"");
        assert_eq!(name("db.s.t"), "s.t");
        assert_eq!(name("\"a\"\"b\""), "\"a\"\"b\"");
        assert_eq!(ObjectName::from_source(" "), None);
        assert_eq!(name("public.USER"), "public.\"user\"");
        assert!(RESERVED.is_sorted());
    }
}
