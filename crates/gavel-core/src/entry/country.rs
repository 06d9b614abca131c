//! Countries by ISO 3166-1.
//!
//! Only officially assigned codes count: no reserved ones (`UK`, `EU`), no withdrawn ones (`AN`, `SU`). `XK`/`XKX` for
//! Kosovo is user-assigned and accepted all the same, because passports carry it. The stored form is alpha-3.

use rust_iso3166::{ALPHA2_MAP, ALPHA3_MAP};

const KOSOVO: (&str, &str, &str) = ("XK", "XKX", "Kosovo");

/// The alpha-3 code of an alpha-2 or alpha-3 code in any case.
pub fn alpha3(code: &str) -> Option<&'static str> {
    let upper = code.to_ascii_uppercase();
    match upper.len() {
        2 if upper == KOSOVO.0 => Some(KOSOVO.1),
        2 => ALPHA2_MAP.get(upper.as_str()).map(|country| country.alpha3),
        3 if upper == KOSOVO.1 => Some(KOSOVO.1),
        3 => ALPHA3_MAP.get(upper.as_str()).map(|country| country.alpha3),
        _ => None,
    }
}

/// The alpha-2 code of an upper-case alpha-3 code.
pub fn alpha2_of(alpha3: &str) -> Option<&'static str> {
    if alpha3 == KOSOVO.1 {
        return Some(KOSOVO.0);
    }
    ALPHA3_MAP.get(alpha3).map(|country| country.alpha2)
}

/// The English short name of an upper-case alpha-3 code.
pub fn name_of(alpha3: &str) -> Option<&'static str> {
    if alpha3 == KOSOVO.1 {
        return Some(KOSOVO.2);
    }
    ALPHA3_MAP.get(alpha3).map(|country| country.name)
}

/// Whether this is an alpha-3 code in upper case: the `country-3` field of the API (contract, conventions §6).
pub fn is_alpha3_upper(code: &str) -> bool {
    alpha2_of(code).is_some()
}

/// Whether this is an alpha-2 code in upper case: the `country` of an address.
pub fn is_alpha2_upper(code: &str) -> bool {
    code == KOSOVO.0 || ALPHA2_MAP.contains_key(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_lengths_and_any_case() {
        for (sent, read) in [("es", "ESP"), ("ESP", "ESP"), ("eSp", "ESP"), ("xk", "XKX"), ("XKX", "XKX"), ("bq", "BES")] {
            assert_eq!(alpha3(sent), Some(read), "{sent}");
        }
    }

    #[test]
    fn codes_that_are_not_assigned() {
        for sent in ["", "e", "UK", "EU", "AN", "ANT", "SU", "ZZ", "XX", "XXX", "724", "ESPA", "ｅｓ", "Spain", "xkk"] {
            assert_eq!(alpha3(sent), None, "{sent}");
        }
    }

    #[test]
    fn the_table_holds_the_249_assigned_countries() {
        assert_eq!((ALPHA2_MAP.len(), ALPHA3_MAP.len()), (249, 249));
        for (code, country) in ALPHA3_MAP.entries() {
            assert_eq!((*code, alpha3(country.alpha2)), (country.alpha3, Some(*code)));
            assert_eq!(alpha2_of(code), Some(country.alpha2));
            assert!(is_alpha3_upper(code) && name_of(code).is_some_and(|name| !name.is_empty()));
        }
    }

    #[test]
    fn the_strict_form_is_upper_case_alpha_3() {
        assert!(is_alpha3_upper("DEU") && is_alpha3_upper("XKX"));
        for refused in ["deu", "DE", "D", "Deu", " DEU", "D<<", ""] {
            assert!(!is_alpha3_upper(refused), "{refused}");
        }
        assert!(is_alpha2_upper("XK") && is_alpha2_upper("ES") && !is_alpha2_upper("es") && !is_alpha2_upper("UK"));
        assert_eq!((alpha2_of("XKX"), name_of("XKX")), (Some("XK"), Some("Kosovo")));
        assert_eq!((alpha2_of("esp"), name_of("ZZZ")), (None, None));
    }
}
