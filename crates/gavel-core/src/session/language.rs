//! The languages of hosted pages and mails.

/// Every language code a session may ask for, in the order of the contract (sessions.md §2).
#[rustfmt::skip]
pub const LANGUAGES: [&str; 56] = [
    "en", "ar", "bg", "bn", "bs", "ca", "cnr", "cs", "da", "de", "el", "es", "et", "eu", "fa", "fi", "fr", "gl", "he",
    "hi", "hr", "hu", "hy", "id", "it", "ja", "ka", "kk", "ko", "ky", "lt", "lv", "mk", "mn", "ms", "nl", "no", "pl",
    "pt-BR", "pt", "ro", "ru", "sk", "sl", "so", "sq", "sr", "sv", "th", "tr", "uk", "uz", "vi", "zh-CN", "zh-TW", "zh",
];

/// The language of this code; codes are exact, case included.
pub fn language(code: &str) -> Option<&'static str> {
    LANGUAGES.into_iter().find(|known| *known == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_exact() {
        assert_eq!(language("pt-BR"), Some("pt-BR"));
        for bad in ["pt-br", "EN", "", "xx", " en"] {
            assert_eq!(language(bad), None, "{bad}");
        }
    }

    #[test]
    fn no_code_stands_twice() {
        let mut sorted = LANGUAGES.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), LANGUAGES.len());
    }
}
