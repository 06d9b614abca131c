//! The people of the sample data. A person is a number: everything about them follows from it, so that two demos show
//! the same people.

use super::countries::{COUNTRIES, Country};

/// How many different people there are.
pub const PEOPLE: usize = COUNTRIES.len() * 3;

/// Device, browser, operating system and platform, as a script in the capture flow would see them.
pub const DEVICES: [(&str, &str, &str, &str, &str); 8] = [
    ("Apple", "iPhone 15", "Mobile Safari", "iOS 18.1", "mobile"),
    ("Samsung", "Galaxy S24", "Samsung Internet", "Android 14", "mobile"),
    ("Google", "Pixel 8a", "Chrome Mobile", "Android 15", "mobile"),
    ("Xiaomi", "Redmi Note 13", "Chrome Mobile", "Android 14", "mobile"),
    ("Apple", "MacBook Air", "Safari", "macOS 15", "desktop"),
    ("Lenovo", "ThinkPad T14", "Firefox", "Windows 11", "desktop"),
    ("Motorola", "Moto G84", "Chrome Mobile", "Android 14", "mobile"),
    ("Dell", "XPS 13", "Edge", "Windows 11", "desktop"),
];

/// What somebody shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// A passport's data page.
    Passport,
    /// The state's identity card.
    IdentityCard,
    /// A driving licence.
    DrivingLicence,
}

impl Document {
    /// The contract's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passport => "Passport",
            Self::IdentityCard => "Identity Card",
            Self::DrivingLicence => "Driver's License",
        }
    }
}

/// Somebody.
#[derive(Clone)]
pub struct Person {
    /// Their number.
    pub number: usize,
    /// Where they are from.
    pub country: &'static Country,
    /// First name.
    pub first_name: &'static str,
    /// Last name.
    pub last_name: &'static str,
    /// `M` or `F`.
    pub gender: char,
    /// What they show.
    pub document: Document,
    /// Its number.
    pub document_number: String,
    /// In E.164.
    pub phone: String,
    /// Address at an `.example` domain.
    pub email: String,
    /// Address of their connection.
    pub ip: String,
    /// Of their device.
    pub fingerprint: String,
    /// This year.
    pub year: i32,
    /// Years old in it.
    pub age: i32,
    /// Days of birth, issue and expiry.
    pub dates: (String, String, String),
}

impl Person {
    /// The person of this number, as seen in this year.
    pub fn of(number: usize, this_year: i32) -> Self {
        let country = &COUNTRIES[number % COUNTRIES.len()];
        let (first_name, last_name, gender) = country.people[number / COUNTRIES.len() % 3];
        let document = match (pick(number, "document", 5), country.titles.1) {
            (0 | 1, _) => Document::Passport,
            (2, _) | (_, None) => Document::DrivingLicence,
            (_, Some(_)) => Document::IdentityCard,
        };
        let pattern = if document == Document::Passport { country.documents.0 } else { country.documents.1 };
        let age = 21 + pick(number, "age", 47) as i32;
        let issued = this_year - 1 - pick(number, "issued", 7) as i32;
        let day = format!("{:02}-{:02}", 1 + pick(number, "month", 12), 1 + pick(number, "day", 28));
        Self {
            number,
            country,
            first_name,
            last_name,
            gender,
            document,
            document_number: from_pattern(pattern, number, "document number"),
            phone: from_pattern(country.phone, number, "phone"),
            email: email(first_name, last_name, number),
            ip: format!("{}.{}", if number.is_multiple_of(2) { "198.51.100" } else { "192.0.2" }, 17 + number * 3),
            fingerprint: format!("{:016x}{:016x}", hash(number, "device"), hash(number, "browser")),
            year: this_year,
            age,
            dates: (format!("{}-{day}", this_year - age), format!("{issued}-03-14"), format!("{}-03-13", issued + 10)),
        }
    }

    /// First and last name.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }

    /// The customer's own id of them.
    pub fn vendor_data(&self) -> String {
        format!("cust-{}", 10_400 + self.number * 7)
    }

    /// Street and number.
    pub fn street(&self) -> String {
        format!("{} {}", self.country.place.2, 1 + pick(self.number, "house", 140))
    }

    /// Their device.
    pub fn device(&self) -> (&'static str, &'static str, &'static str, &'static str, &'static str) {
        DEVICES[pick(self.number, "device model", DEVICES.len())]
    }
}

/// A number below `below` that belongs to a person and a topic.
pub fn pick(number: usize, topic: &str, below: usize) -> usize {
    (hash(number, topic) % below.max(1) as u64) as usize
}

/// FNV-1a, and a finish that lets every bit count.
fn hash(number: usize, topic: &str) -> u64 {
    let bytes = topic.bytes().chain((number as u64).to_le_bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash ^= hash >> 31;
    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}

fn from_pattern(pattern: &str, number: usize, topic: &str) -> String {
    let mut bits = hash(number, topic);
    let mut next = |from: u64| {
        let digit = bits % from;
        bits = (bits / from) ^ hash(number, topic).rotate_left(21).wrapping_mul(bits | 1);
        digit as u8
    };
    let fill = |c| match c {
        '#' => char::from(b'0' + next(10)),
        '@' => char::from(b'A' + next(26)),
        other => other,
    };
    pattern.chars().map(fill).collect()
}

fn email(first: &str, last: &str, number: usize) -> String {
    const DOMAINS: [&str; 4] = ["mail.example", "post.example", "inbox.example", "correo.example"];
    let plain = |text: &str| ascii(text).to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let family = last.split(' ').next_back().unwrap_or(last);
    format!("{}.{}@{}", plain(first.split(' ').next().unwrap_or(first)), plain(family), DOMAINS[number % DOMAINS.len()])
}

/// The text in ASCII letters, as machine-readable zones and e-mail addresses spell it.
pub fn ascii(text: &str) -> String {
    use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
    let letter = |c: char| match c {
        'Ł' => 'L',
        'ł' => 'l',
        'ı' => 'i',
        'ß' => 's',
        'Ø' => 'O',
        'ø' => 'o',
        other => other,
    };
    text.nfd().filter(|c| !is_combining_mark(*c)).map(letter).filter(char::is_ascii).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use gavel_core::entry::{EntryType, EntryValue, country, phone::Phone};

    use super::*;

    fn everybody() -> Vec<Person> {
        (0..PEOPLE).map(|number| Person::of(number, 2026)).collect()
    }

    #[test]
    fn everything_about_people_can_be_screened() {
        for person in everybody() {
            let phone = Phone::parse(&person.phone).unwrap_or_else(|_| panic!("{} {}", person.country.codes.0, person.phone));
            assert_eq!((phone.e164(), phone.region()), (person.phone.as_str(), Some(person.country.codes.1)));
            assert!(country::is_alpha3_upper(person.country.codes.0), "{}", person.country.codes.0);
            for (entry_type, value) in [
                (EntryType::Email, &person.email),
                (EntryType::IpAddress, &person.ip),
                (EntryType::Document, &person.document_number),
                (EntryType::DeviceFingerprint, &person.fingerprint),
            ] {
                assert!(EntryValue::parse(entry_type, value).is_ok(), "{value}");
            }
            assert!(person.dates.2.as_str() > "2026-06-01" && (18..70).contains(&person.age), "{:?}", person.dates);
        }
    }

    #[test]
    fn nobody_is_somebody_else() {
        let people = everybody();
        for value in [
            |person: &Person| person.full_name(),
            |person: &Person| person.phone.clone(),
            |person: &Person| person.email.clone(),
            |person: &Person| person.ip.clone(),
            |person: &Person| person.fingerprint.clone(),
            |person: &Person| person.document_number.clone(),
        ] {
            assert_eq!(people.iter().map(value).collect::<HashSet<_>>().len(), PEOPLE);
        }
    }
}
