//! Changes of type that write no row.

/// Whether a change of type leaves every value's bytes as they are, so that no row is written
/// (manual, ALTER TABLE, Notes; `ATColumnChangeRequiresRewrite`). Both as `format_type` tells them, or as people
/// write them. With and without time zone are the same bytes where the session's time zone is UTC.
pub fn keeps_bytes(old: &str, new: &str, zone_is_utc: bool) -> bool {
    let (old, new) = (TypeName::read(old), TypeName::read(new));
    if old == new {
        return true;
    }
    let grows = || match (&old.modifiers[..], &new.modifiers[..]) {
        (_, []) => true,
        ([from], [to]) => from <= to,
        _ => false,
    };
    match (old.base.as_str(), new.base.as_str()) {
        ("varchar", "varchar") | ("varbit", "varbit") => grows(),
        ("varchar", "text") | ("cidr", "inet") => true,
        ("text", "varchar") => new.modifiers.is_empty(),
        // The scale must stay: values are stored with theirs.
        ("numeric", "numeric") => match (&old.modifiers[..], &new.modifiers[..]) {
            (_, []) => true,
            ([from, from_scale], [to, to_scale]) => from <= to && from_scale == to_scale,
            _ => false,
        },
        ("timestamp", "timestamp") | ("timestamptz", "timestamptz") | ("time", "time") | ("timetz", "timetz") => {
            grows()
        }
        ("timestamp", "timestamptz") | ("timestamptz", "timestamp") => zone_is_utc && grows(),
        _ => false,
    }
}

/// A type's name with its aliases folded.
#[derive(Debug, PartialEq, Eq)]
struct TypeName {
    base: String,
    modifiers: Vec<i64>,
}

impl TypeName {
    fn read(text: &str) -> Self {
        let text = text.to_lowercase();
        let (head, modifiers, tail) = match (text.find('('), text.find(')')) {
            (Some(open), Some(close)) if open < close => (&text[..open], &text[open + 1..close], &text[close + 1..]),
            _ => (text.as_str(), "", ""),
        };
        let words: Vec<_> = head.split_whitespace().chain(tail.split_whitespace()).collect();
        let words = words.join(" ");
        let base = match words.trim_start_matches("pg_catalog.") {
            "character varying" => "varchar",
            "bit varying" => "varbit",
            "decimal" => "numeric",
            "int" | "int4" => "integer",
            "int8" => "bigint",
            "int2" => "smallint",
            "bool" => "boolean",
            "float8" | "float" => "double precision",
            "float4" => "real",
            "character" => "char",
            "timestamp without time zone" => "timestamp",
            "timestamp with time zone" => "timestamptz",
            "time without time zone" => "time",
            "time with time zone" => "timetz",
            other => other,
        };
        let mut modifiers: Vec<i64> = modifiers.split(',').filter_map(|it| it.trim().parse().ok()).collect();
        // A precision alone means scale 0.
        if base == "numeric" && modifiers.len() == 1 {
            modifiers.push(0);
        }
        Self { base: base.to_owned(), modifiers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_only_widens_keeps_its_bytes() {
        for (old, new, keeps) in [
            ("character varying(20)", "varchar(40)", true),
            ("character varying(40)", "varchar(20)", false),
            ("character varying(20)", "text", true),
            ("text", "varchar", true),
            ("text", "varchar(9)", false),
            ("numeric(10,2)", "decimal(12, 2)", true),
            ("numeric(10,2)", "numeric(12,3)", false),
            ("numeric(10)", "numeric(12)", true),
            ("integer", "int4", true),
            ("integer", "bigint", false),
            ("timestamp(3) without time zone", "timestamp", true),
            ("timestamp without time zone", "timestamptz", false),
            ("cidr", "inet", true),
            ("jsonb", "json", false),
            ("mood", "mood", true),
        ] {
            assert_eq!(keeps_bytes(old, new, false), keeps, "{old} → {new}");
        }
    }

    #[test]
    fn in_utc_a_time_is_the_same_with_and_without_its_zone() {
        assert!(keeps_bytes("timestamp without time zone", "timestamptz", true));
        assert!(keeps_bytes("timestamptz(3)", "timestamp", true));
        assert!(!keeps_bytes("timestamp", "timestamptz(3)", true));
        assert!(!keeps_bytes("time", "timetz", true));
    }
}
