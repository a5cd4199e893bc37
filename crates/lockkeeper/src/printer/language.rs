//! English and Korean.

/// A language that messages exist in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Korean,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::Korean];

    /// From a flag or a locale: `ko`, `ko-KR`, `ko_KR.UTF-8`. Everything else is English.
    pub fn from_locale(locale: Option<&str>) -> Self {
        let language = locale.and_then(|locale| locale.split(['_', '-', '.', '@']).next()).unwrap_or("");
        if language.eq_ignore_ascii_case("ko") { Self::Korean } else { Self::English }
    }

    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_name_their_language_first() {
        for locale in ["ko", "ko_KR.UTF-8", "KO-kr", "ko.eucKR"] {
            assert_eq!(Language::from_locale(Some(locale)), Language::Korean, "{locale}");
        }
        for locale in [None, Some("C.UTF-8"), Some("en_US"), Some("kok_IN"), Some("")] {
            assert_eq!(Language::from_locale(locale), Language::English, "{locale:?}");
        }
    }
}
