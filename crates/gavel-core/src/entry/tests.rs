//! The grammars by example, and what holds for every value.

use std::net::IpAddr;

use proptest::prelude::*;

use super::{EntryType::*, email::Email, ip_address::parse_address, phone::Phone, *};

/// (sent, stored, key)
fn accepts(entry_type: EntryType, table: &[(&str, &str, &str)]) {
    for (sent, stored, key) in table {
        let value = EntryValue::parse(entry_type, sent).unwrap_or_else(|error| panic!("{entry_type} {sent:?}: {error}"));
        assert_eq!((value.stored(), value.key()), (*stored, *key), "{entry_type} {sent:?}");
        assert_eq!(value.entry_type(), entry_type);
        keeps_itself(&value);
    }
}

fn refuses(entry_type: EntryType, table: &[&str]) {
    for sent in table {
        assert_eq!(EntryValue::parse(entry_type, sent), Err(InvalidValue::Format(entry_type)), "{entry_type} {sent:?}");
    }
}

/// Read again, from its stored form or from the store, a value is what it was.
fn keeps_itself(value: &EntryValue) {
    let again = EntryValue::parse(value.entry_type(), value.stored());
    assert_eq!(again.as_ref(), Ok(value), "{:?}", value.stored());
    assert_eq!(EntryValue::from_store(value.entry_type(), value.stored().into(), value.key().into()), *value);
}

fn same(entry_type: EntryType, left: &str, right: &str) -> bool {
    let key = |sent| EntryValue::parse(entry_type, sent).unwrap().key().to_owned();
    key(left) == key(right)
}

mod every_type {
    use super::*;

    #[test]
    fn blank_and_too_long_come_first() {
        for entry_type in EntryType::ALL {
            for blank in ["", " ", "\t\u{3000}\n\u{a0}\u{85}"] {
                assert_eq!(EntryValue::parse(entry_type, blank), Err(InvalidValue::Blank), "{entry_type}");
            }
            assert_eq!(EntryValue::parse(entry_type, &"é".repeat(1025)), Err(InvalidValue::TooLong), "{entry_type}");
        }
        let long = format!("  {}  ", "é".repeat(1024));
        assert_eq!(EntryValue::parse(Key, &long).unwrap().stored().chars().count(), 1024);
    }

    #[test]
    fn errors_have_the_contracts_texts() {
        let text = |entry_type| InvalidValue::Format(entry_type).to_string();
        assert_eq!(InvalidValue::Blank.to_string(), "This field may not be blank.");
        assert_eq!(InvalidValue::TooLong.to_string(), "Ensure this field has no more than 1024 characters.");
        assert_eq!(text(Phone), "Enter a valid international phone number.");
        assert_eq!(text(Email), "Enter a valid email address.");
        assert_eq!(text(IpAddress), "Enter a valid IP address or CIDR range.");
        assert_eq!(text(Country), "Enter a valid ISO 3166-1 alpha-2 or alpha-3 country code.");
        assert_eq!(
            text(DeviceFingerprint),
            "Device fingerprint must have at least 8 letters or digits and may contain only letters, digits, '-', '_', ':' and '.'."
        );
    }

    #[test]
    fn debug_output_has_no_value() {
        let value = EntryValue::parse(Email, "ana@example.com").unwrap();
        assert_eq!(format!("{value:?}"), "EntryValue { entry_type: Email, .. }");
    }

    #[test]
    fn digest_is_of_the_key() {
        let upper = EntryValue::parse(Document, "X-1").unwrap();
        let lower = EntryValue::parse(Document, "x1").unwrap();
        assert_eq!(upper.digest(), lower.digest());
        assert_ne!(upper, lower);
    }
}

mod phone {
    use super::*;

    #[test]
    fn accepted() {
        accepts(
            Phone,
            &[
                (" +1 (415) 555-2671 ", "+14155552671", "+14155552671"),
                ("+1.415.555.2671", "+14155552671", "+14155552671"),
                ("+14155552671 ext. 12", "+14155552671", "+14155552671"),
                ("+1 415 555 2671;ext=12", "+14155552671", "+14155552671"),
                ("+44 (0)20 7946 0958", "+442079460958", "+442079460958"),
                ("+390236618300", "+390236618300", "+390236618300"),
                ("+39 02 3661 8300", "+390236618300", "+390236618300"),
                ("\u{ff0b}１４１５５５５２６７１", "+14155552671", "+14155552671"),
                ("+800 1234 5678", "+80012345678", "+80012345678"),
                ("+1 800 FLOWERS", "+18003569377", "+18003569377"),
            ],
        );
    }

    #[test]
    fn refused() {
        refuses(
            Phone,
            &[
                "4155552671",
                "14155552671",
                "0014155552671",
                "+",
                "+1",
                "+1415555",
                "+999123456789",
                "+1 415 555 267100",
                "tel:+14155552671",
                "call +14155552671",
                "415-555-2671;phone-context=+1",
                "+14155552671;phone-context=a;tel:",
                "+1\u{0}4155552671",
                // Valid to libphonenumber as +375 810 774 8277, which is not valid to it when read again.
                "+37508107748277",
            ],
        );
        refuses(Phone, &[&format!("+14155552671{}", " ".repeat(300) + "1")]);
    }

    #[test]
    fn parts() {
        let parts = |sent| {
            let phone = Phone::parse(sent).unwrap();
            (phone.prefix().to_owned(), phone.national().to_owned(), phone.region().map(str::to_owned))
        };
        assert_eq!(parts("+1 415 555 2671"), ("+1".into(), "4155552671".into(), Some("US".into())));
        assert_eq!(parts("+1 416 555 2671").2.as_deref(), Some("CA"));
        assert_eq!(parts("+39 02 3661 8300"), ("+39".into(), "0236618300".into(), Some("IT".into())));
        assert_eq!(parts("+383 44 123 456").2.as_deref(), Some("XK"));
        assert_eq!(parts("+800 1234 5678"), ("+800".into(), "12345678".into(), None));
        assert_eq!(Phone::parse("  ").err(), Some(InvalidValue::Blank));
    }

    #[test]
    fn every_region_has_a_number_that_keeps_itself() {
        let util = &*rlibphonenumber::PHONE_NUMBER_UTIL;
        for region in util.get_supported_regions() {
            let Ok(example) = util.get_example_number(region) else { continue };
            let e164 = util.format(&example, rlibphonenumber::PhoneNumberFormat::E164).into_owned();
            let international = util.format(&example, rlibphonenumber::PhoneNumberFormat::International).into_owned();
            accepts(Phone, &[(&e164, &e164, &e164), (&international, &e164, &e164)]);
        }
    }

    /// Region, E.164, and a spelling for people. Kept as text, so that a change of the numbering plans shows.
    const NUMBERS: &str = include_str!("testdata/phones.tsv");

    #[test]
    fn numbers_of_all_regions_in_several_spellings() {
        let rows: Vec<Vec<&str>> = NUMBERS.lines().map(|line| line.split('\t').collect()).collect();
        let regions: std::collections::BTreeSet<_> = rows.iter().map(|row| row[0]).collect();
        assert!(rows.len() >= 300 && regions.len() >= 200, "{} numbers of {} regions", rows.len(), regions.len());
        for row in rows {
            let [region, e164, written] = row[..] else { panic!("{row:?}") };
            for sent in [e164, written, &format!("  {} ", written.replace(' ', "-")), &format!("{written} ext. 7")] {
                accepts(Phone, &[(sent, e164, e164)]);
            }
            assert_eq!(Phone::parse(written).unwrap().region(), Some(region), "{written}");
            // Without the sign, and in the national form alone, it could belong to anybody.
            let (_, national) = written.split_once(' ').unwrap();
            refuses(Phone, &[&e164[1..], &written[1..], national]);
        }
    }
}

mod email {
    use super::*;

    #[test]
    fn accepted() {
        accepts(
            Email,
            &[
                ("Ana@BÜCHER.example", "ana@bücher.example", "ana@xn--bcher-kva.example"),
                ("ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
                (" a@b.co\u{3000}", "a@b.co", "a@b.co"),
                ("First.Last+Tag@Example.COM", "first.last+tag@example.com", "first.last+tag@example.com"),
                ("!#$%&'*+/=?^_`{|}~-@example.com", "!#$%&'*+/=?^_`{|}~-@example.com", "!#$%&'*+/=?^_`{|}~-@example.com"),
                ("JOSÉ@example.com", "josé@example.com", "josé@example.com"),
                ("jose\u{301}@example.com", "josé@example.com", "josé@example.com"),
                ("用户@例え。テスト", "用户@例え。テスト", "用户@xn--r8jz45g.xn--zckzah"),
                ("a@1.2.3.4.com", "a@1.2.3.4.com", "a@1.2.3.4.com"),
                ("a@m-y--host.example", "a@m-y--host.example", "a@m-y--host.example"),
                ("a@x.1a", "a@x.1a", "a@x.1a"),
                ("a@faß.de", "a@faß.de", "a@xn--fa-hia.de"),
                ("a@ΒΌΛΟΣ.ΓΡ", "a@βόλοσ.γρ", "a@xn--nxasmq6b.xn--oxa2a"),
            ],
        );
    }

    #[test]
    fn refused() {
        let local_190 = "l".repeat(190);
        refuses(
            Email,
            &[
                "ana",
                "@example.com",
                "ana@",
                "ana@@example.com",
                "a@b@example.com",
                "ana@example",
                "ana@example.com.",
                "ana@.example.com",
                "ana@exa..mple.com",
                ".ana@example.com",
                "ana.@example.com",
                "an..a@example.com",
                "an a@example.com",
                "\"ana\"@example.com",
                "ana(x)@example.com",
                "ana,b@example.com",
                "<ana@example.com>",
                "ana@[192.0.2.1]",
                "ana@192.0.2.1",
                "ana@example.c",
                "ana@example.42",
                "ana@-example.com",
                "ana@example-.com",
                "ana@ex_ample.com",
                "ana@exa mple.com",
                "ana@ab--cd.example",
                "ana@xn--.example",
                "ana@xn--a.example",
                "ana@xn--zzzzzzzzzzzz.example",
                "an\u{200b}a@example.com",
                "an\u{ad}a@example.com",
                "an\u{202e}a@example.com",
                "an\u{2003}a@example.com",
                "an\u{85}a@example.com",
                "ana\u{e0041}@example.com",
                "ana＠example.com",
                "ana@exam＠ple.com",
                "ana@example\u{0}.com",
                &format!("ana@{}.com", "l".repeat(64)),
                &format!("{local_190}@{}.{}.com", "d".repeat(30), "d".repeat(30)),
            ],
        );
    }

    #[test]
    fn lengths_are_counted_in_bytes_of_the_ascii_form() {
        let address = |local: usize| format!("{}@{}.com", "l".repeat(local), "d".repeat(63));
        assert_eq!(address(186).len(), 254);
        assert!(Email::parse(&address(186)).is_ok());
        assert!(Email::parse(&address(187)).is_err());
        assert!(Email::parse(&format!("{}@example.com", "é".repeat(122))).is_err());
        assert!(Email::parse(&format!("{}@example.com", "é".repeat(121))).is_ok());
        assert_eq!(Email::parse(" ").err(), Some(InvalidValue::Blank));
        assert!(Email::parse(&"a".repeat(5_000_000)).is_err());
    }

    #[test]
    fn no_folding_of_dots_and_tags() {
        assert!(!same(Email, "a.b@example.com", "ab@example.com"));
        assert!(!same(Email, "a+b@example.com", "a@example.com"));
        assert!(same(Email, "A@EXAMPLE.com", "a@example.com"));
        assert!(same(Email, "a@bücher.example", "A@XN--BCHER-KVA.example"));
    }
}

mod ip_address {
    use super::*;

    #[test]
    fn accepted() {
        let table = [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.1.2.3/008", "10.0.0.0/8"),
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1/32", "192.0.2.1"),
            ("1.2.3.4/0", "0.0.0.0/0"),
            ("1.2.3.4/0000", "0.0.0.0/0"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::ffff:c000:201", "192.0.2.1"),
            ("::ffff:192.0.2.1/128", "192.0.2.1"),
            ("::ffff:192.0.2.1/120", "192.0.2.0/24"),
            ("::ffff:192.0.2.1/96", "0.0.0.0/0"),
            ("::ffff:192.0.2.1/95", "::fffe:0:0/95"),
            ("::ffff:192.0.2.1/24", "::/24"),
            ("2001:DB8:0:0::1/128", "2001:db8::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:0db8:0000:0001:0001:0001:0001:0001", "2001:db8:0:1:1:1:1:1"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("::", "::"),
            ("::/0", "::/0"),
            ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
            ("::192.0.2.1", "::c000:201"),
        ];
        accepts(IpAddress, &table.map(|(sent, stored)| (sent, stored, stored)));
    }

    #[test]
    fn refused() {
        refuses(
            IpAddress,
            &[
                "010.0.0.1",
                "10.0.0",
                "10.0.0.256",
                "10.0.0.1.",
                "0x0a.0.0.1",
                "167772161",
                "10.0.0.1/33",
                "10.0.0.1/",
                "10.0.0.1/+8",
                "10.0.0.1/-1",
                "10.0.0.1/8/8",
                "10.0.0.1/256",
                "10.0.0.1/99999999999999999999",
                "10.0.0.1/255.0.0.0",
                "10.0.0.1 /8",
                "10.0.0.1/٨",
                "10.0.0.1:80",
                "１０.0.0.1",
                "fe80::1%eth0",
                "[::1]",
                "::1/129",
                ":::",
                "1:2:3:4:5:6:7",
                "1:2:3:4:5:6:7:8:9",
                "::ffff:01.2.3.4",
                "::g",
                "localhost",
            ],
        );
    }

    #[test]
    fn networks() {
        let network = |sent| EntryValue::parse(IpAddress, sent).unwrap().network().unwrap().to_string();
        assert_eq!(network("192.0.2.1"), "192.0.2.1/32");
        assert_eq!(network("::1"), "::1/128");
        assert_eq!(network("10.1.2.3/8"), "10.0.0.0/8");
        assert_eq!(network("::ffff:10.1.2.3/104"), "10.0.0.0/8");
        assert_eq!(EntryValue::parse(Key, "10.0.0.1").unwrap().network(), None);
    }

    #[test]
    fn single_addresses() {
        let read = |text: &str| parse_address(text).map(|address: IpAddr| address.to_string());
        assert_eq!(read(" 192.0.2.1 ").as_deref(), Some("192.0.2.1"));
        assert_eq!(read("::FFFF:192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(read("2001:DB8::0:1").as_deref(), Some("2001:db8::1"));
        for refused in ["", "10.0.0.0/8", "10.0.0.1/32", "01.2.3.4", "fe80::1%1"] {
            assert_eq!(read(refused), None, "{refused}");
        }
    }
}

#[test]
fn device_fingerprints() {
    accepts(
        DeviceFingerprint,
        &[
            ("AB:CD:EF:01:23", "ab:cd:ef:01:23", "ab:cd:ef:01:23"),
            (" 12345678 ", "12345678", "12345678"),
            ("a-b_c.d:1-2_3.4", "a-b_c.d:1-2_3.4", "a-b_c.d:1-2_3.4"),
        ],
    );
    refuses(DeviceFingerprint, &["1234567", "1234567-", "-_:.-_:.", "abcd efgh", "abcdefgh!", "abcdefgé1", "１２３４５６７８"]);
}

#[test]
fn countries() {
    accepts(Country, &[("es", "ESP", "ESP"), (" Esp ", "ESP", "ESP"), ("xk", "XKX", "XKX"), ("XKX", "XKX", "XKX")]);
    refuses(Country, &["UK", "EU", "ANT", "Spain", "724", "E S"]);
}

/// alpha-2, alpha-3: what ISO 3166-1 assigns, and Kosovo.
const COUNTRIES: &str = include_str!("testdata/countries.tsv");

#[test]
fn every_assigned_country_code_and_no_other() {
    let pairs: Vec<(&str, &str)> = COUNTRIES.lines().filter_map(|line| line.split_once('\t')).collect();
    assert_eq!(pairs.len(), 250);
    for (alpha2, alpha3) in &pairs {
        accepts(Country, &[(alpha2, alpha3, alpha3), (alpha3, alpha3, alpha3), (&alpha2.to_lowercase(), alpha3, alpha3)]);
        assert_eq!(super::country::alpha2_of(alpha3), Some(*alpha2));
    }
    for (a, b) in ('A'..='Z').flat_map(|a| ('A'..='Z').map(move |b| (a, b))) {
        let code = format!("{a}{b}");
        let assigned = pairs.iter().any(|(alpha2, _)| *alpha2 == code);
        assert_eq!(EntryValue::parse(Country, &code).is_ok(), assigned, "{code}");
        for c in 'A'..='Z' {
            let code = format!("{a}{b}{c}");
            let assigned = pairs.iter().any(|(_, alpha3)| *alpha3 == code);
            assert_eq!(EntryValue::parse(Country, &code).is_ok(), assigned, "{code}");
        }
    }
}

#[test]
fn wallet_addresses() {
    let base58 = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT";
    let mixed = "bc1Qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq";
    accepts(
        WalletAddress,
        &[
            ("0xABCdef", "0xabcdef", "0xabcdef"),
            ("0x", "0x", "0x"),
            ("0XABC", "0XABC", "0xabc"),
            ("0xABCg", "0xABCg", "0xabcg"),
            (base58, base58, &base58.to_lowercase()),
            ("BC1QAR0SRRR7XFKVY5", "bc1qar0srrr7xfkvy5", "bc1qar0srrr7xfkvy5"),
            (mixed, mixed, &mixed.to_lowercase()),
            ("BC1QAR0SR", "bc1qar0sr", "bc1qar0sr"),
            ("BC1QAR0S", "BC1QAR0S", "bc1qar0s"),
            ("BC11QAR0SR", "BC11QAR0SR", "bc11qar0sr"),
            ("B2C1QAR0SR", "B2C1QAR0SR", "b2c1qar0sr"),
            ("1QAR0SRR", "1QAR0SRR", "1qar0srr"),
            ("BC1QARBSR", "BC1QARBSR", "bc1qarbsr"),
        ],
    );
}

#[test]
fn numbers_of_documents_and_accounts() {
    for entry_type in [Document, BankAccount] {
        accepts(
            entry_type,
            &[
                ("X-123 456/7", "x-123 456/7", "x1234567"),
                ("GB82 WEST 1234 5698 7654 32", "gb82 west 1234 5698 7654 32", "gb82west12345698765432"),
                ("-./ -", "-./ -", "-./ -"),
                ("a\u{a0}b\u{2003}c", "a\u{a0}b\u{2003}c", "abc"),
                ("a_b:c", "a_b:c", "a_b:c"),
                ("ΑΣ", "ας", "ας"),
            ],
        );
    }
    assert!(same(Document, "AB 12-34", "ab1234"));
    assert!(!same(Document, "AB1234", "AB1235"));
}

#[test]
fn plain_values() {
    for entry_type in [Face, User, Business, Key] {
        accepts(
            entry_type,
            &[
                (" User-42 ", "user-42", "user-42"),
                ("A  B", "a  b", "a  b"),
                ("İ", "i\u{307}", "i\u{307}"),
                // J with caron has no composed capital; lower-cased it composes.
                ("J\u{30c}", "\u{1f0}", "\u{1f0}"),
                ("E\u{301}", "é", "é"),
            ],
        );
    }
}

/// Texts that come near the grammars: pieces of addresses, numbers and scripts with surprises.
fn near_values() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9]{1,4}",
        2 => "[-+._:/@ ();,#x%]{1,2}",
        1 => prop::sample::select(vec![
            "+1415555", "+39 0", "+49", "tel:", ";phone-context=", ";ext=", ";isub=", "ext", "::", "ffff:", "10.0.0.", "/24", "0x",
            "bc1", "xn--", "Σ", "ς", "ẞ", "ß", "İ", "J\u{30c}", "\u{301}", "\u{200d}", "\u{ad}", "。", "例え", "א", "１", "＋", "\u{0}",
            "\u{a0}", "😀", "K", "Å",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_panics_and_stored_forms_are_stable(sent in prop_oneof![near_values(), any::<String>()]) {
        for entry_type in EntryType::ALL {
            match EntryValue::parse(entry_type, &sent) {
                Ok(value) => {
                    keeps_itself(&value);
                    prop_assert!(!value.key().is_empty());
                    prop_assert_eq!(value.network().is_some(), entry_type == IpAddress);
                }
                Err(InvalidValue::Blank) => prop_assert!(sent.trim().is_empty()),
                Err(InvalidValue::TooLong) => prop_assert!(sent.trim().chars().count() > MAX_CHARS),
                Err(InvalidValue::Format(of)) => prop_assert_eq!(of, entry_type),
            }
        }
        let _ = parse_address(&sent);
    }

    #[test]
    fn international_numbers_keep_themselves(sent in "\\+(1|7|3[0-9]|4[0-9]|5[0-9]|6[0-6]|8[1-6]|9[0-8]|2[0-9]|[2-9][0-9]{2})[ -]?0?[0-9]{4,12}(x[0-9]{2})?") {
        if let Ok(value) = EntryValue::parse(Phone, &sent) {
            keeps_itself(&value);
            let phone = Phone::parse(&sent).unwrap();
            prop_assert_eq!(phone.e164(), format!("{}{}", phone.prefix(), phone.national()));
        }
    }

    #[test]
    fn addresses_in_every_form(bits in any::<u128>(), small in any::<u32>(), prefix in 0u8..=128) {
        for address in [IpAddr::from(bits.to_be_bytes()), IpAddr::from(small.to_be_bytes()), IpAddr::from((0xffff_0000_0000 | u128::from(small)).to_be_bytes())] {
            let value = EntryValue::parse(IpAddress, &address.to_string()).unwrap();
            keeps_itself(&value);
            if let Ok(value) = EntryValue::parse(IpAddress, &format!("{address}/{prefix}")) {
                keeps_itself(&value);
                prop_assert!(value.network().unwrap().contains(&address.to_canonical()) || (prefix < 96 && address.is_ipv6()));
            }
        }
    }
}

/// Reads lines of (sent, stored, key); without a third column the key is the stored form.
fn accepts_file(entry_type: EntryType, file: &str, at_least: usize) {
    let lines: Vec<Vec<&str>> = file.lines().map(|line| line.split('\t').collect()).collect();
    assert!(lines.len() >= at_least, "{} lines", lines.len());
    for line in lines {
        accepts(entry_type, &[(line[0], line[1], line.get(2).unwrap_or(&line[1]))]);
    }
}

#[test]
fn tables_of_addresses_and_emails() {
    accepts_file(IpAddress, include_str!("testdata/addresses.tsv"), 100);
    accepts_file(Email, include_str!("testdata/emails.tsv"), 200);
    for sent in include_str!("testdata/emails_refused.txt").lines() {
        refuses(Email, &[sent]);
    }
}
