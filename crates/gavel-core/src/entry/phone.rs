//! Telephone numbers in international form.
//!
//! Accepted is what libphonenumber reads without a default region and calls valid, provided the text starts with a
//! plus sign (`+`, or the full-width `＋` of East Asian keyboards). libphonenumber itself searches a text for a number
//! (`call me: +1…`) and reads `tel:` addresses; a field that holds "an international number" holds the number and
//! nothing in front of it, so those are refused. What libphonenumber allows *after* the sign stays allowed: its
//! separators, digits of other scripts, letters of vanity numbers, an extension (dropped).
//!
//! Stored, and compared, is E.164. Validity follows the numbering plans compiled into the `rlibphonenumber` crate.

use std::fmt;

use rlibphonenumber::{
    PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region, RegionStr, get_national_significant_number_owned,
};

use super::{EntryType, InvalidValue, text};

/// The bound of the reference implementation; beyond it nothing is a number, and its patterns are not run.
const MAX_CHARS: usize = 250;

const INVALID: InvalidValue = InvalidValue::Format(EntryType::Phone);

/// A valid telephone number.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone {
    e164: String,
    /// Bytes of `e164` taken by the sign and the country calling code.
    prefix_len: usize,
    region: Option<RegionStr>,
}

impl Phone {
    /// Reads a number; white space around it is ignored.
    pub fn parse(sent: &str) -> Result<Self, InvalidValue> {
        let trimmed = sent.trim();
        if trimmed.is_empty() {
            return Err(InvalidValue::Blank);
        }
        if trimmed.chars().nth(MAX_CHARS).is_some() {
            return Err(INVALID);
        }
        let cleaned = text::clean(trimmed);
        // `tel:` behind `;phone-context=` makes the crate cut a slice that ends before it begins, and panic.
        if !cleaned.starts_with(['+', '\u{FF0B}']) || cleaned.contains("tel:") {
            return Err(INVALID);
        }
        let number = read_valid(&cleaned).ok_or(INVALID)?;
        let e164 = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned();
        // In a few plans a number loses another digit as a trunk prefix when its E.164 form is read (Belarus, 0 810 …).
        // What cannot be read again cannot be exported, imported or looked up: it is refused.
        if e164 != cleaned && read_valid(&e164).as_ref() != Some(&number) {
            return Err(INVALID);
        }
        let national = get_national_significant_number_owned(&number);
        let prefix_len = e164.len().checked_sub(national.len()).ok_or(INVALID)?;
        let region = PHONE_NUMBER_UTIL.get_region_for_number(&number).filter(|region| *region != Region::World);
        Ok(Self { e164, prefix_len, region: region.map(|region| region.as_region_str()) })
    }

    /// The whole number: `+14155552671`.
    pub fn e164(&self) -> &str {
        &self.e164
    }

    /// Sign and country calling code: `+1`.
    pub fn prefix(&self) -> &str {
        &self.e164[..self.prefix_len]
    }

    /// The digits behind the prefix, Italian leading zeros included: `4155552671`.
    pub fn national(&self) -> &str {
        &self.e164[self.prefix_len..]
    }

    /// The region of the number as an upper-case alpha-2 code. `None`: an international service (`+800`, `+883`).
    ///
    /// These are libphonenumber's regions: besides assigned ISO codes they know `XK`, `AC` (Ascension) and `TA`
    /// (Tristan da Cunha).
    pub fn region(&self) -> Option<&str> {
        self.region.as_ref().map(RegionStr::as_str)
    }

    pub(super) fn into_e164(self) -> String {
        self.e164
    }
}

/// The number without its extension, so that equal numbers are equal.
fn read_valid(text: &str) -> Option<PhoneNumber> {
    let mut number = PHONE_NUMBER_UTIL.parse(text, None).ok()?;
    number.extension = None;
    PHONE_NUMBER_UTIL.is_valid_number(&number).then_some(number)
}

/// Without the number: debug output ends up in logs.
impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phone").field("region", &self.region()).finish_non_exhaustive()
    }
}
