//! What happens to every value before its own grammar is asked.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Without leading and trailing Unicode white space, in normalisation form C.
pub(super) fn clean(sent: &str) -> Cow<'_, str> {
    nfc(Cow::Borrowed(sent.trim()))
}

/// Unicode default lower-casing, in normalisation form C again: some capitals with a combining mark have a composed
/// lower-case partner and no composed upper-case one (`J` + caron, `ǰ`). Without the second step a stored form would
/// change when it is read again.
pub(super) fn lower(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    nfc(Cow::Owned(text.to_lowercase())).into_owned()
}

fn nfc(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return text;
    }
    Cow::Owned(text.nfc().collect())
}
