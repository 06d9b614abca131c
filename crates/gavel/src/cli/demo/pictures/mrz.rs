//! Machine-readable zones as ICAO 9303 lays them out: two lines of 44 characters on passports, three of 30 on cards.

use crate::cli::demo::people::{Document, Person, ascii};

/// The lines of somebody's document. Driving licences have none.
pub fn lines(person: &Person) -> Vec<String> {
    let state = person.country.codes.0;
    let names = format!("{}<<{}", letters(person.last_name), letters(person.first_name));
    let number = padded(&letters(&person.document_number), 9);
    let (born, expires) = (short(&person.dates.0), short(&person.dates.2));
    let number = format!("{number}{}", check(&number));
    let dates = (format!("{born}{}", check(&born)), format!("{expires}{}", check(&expires)));
    match person.document {
        Document::Passport => {
            let personal = format!("{}{}", padded("", 14), '<');
            let all = check(&format!("{number}{}{}{personal}", dates.0, dates.1));
            vec![
                padded(&format!("P<{state}{names}"), 44),
                format!("{number}{state}{}{}{}{personal}{all}", dates.0, person.gender, dates.1),
            ]
        }
        Document::IdentityCard => {
            let first = padded(&format!("I<{state}{number}"), 30);
            let all = check(&format!("{}{}{}{}", &first[5..], dates.0, dates.1, padded("", 11)));
            vec![first, format!("{}{}{}{state}{}{all}", dates.0, person.gender, dates.1, padded("", 11)), padded(&names, 30)]
        }
        Document::DrivingLicence => Vec::new(),
    }
}

fn letters(text: &str) -> String {
    let spelled = |c: char| match c {
        ' ' | '-' => Some('<'),
        c => c.is_ascii_alphanumeric().then_some(c),
    };
    ascii(&text.to_uppercase()).chars().filter_map(spelled).collect()
}

fn padded(text: &str, length: usize) -> String {
    format!("{text:<<length$.length$}")
}

/// `1990-04-17` as `900417`.
fn short(day: &str) -> String {
    day.chars().filter(char::is_ascii_digit).skip(2).collect()
}

/// The check digit: weights 7, 3, 1 over digits, letters from ten on, and fillers as zero.
fn check(text: &str) -> u32 {
    let value = |c: char| if c == '<' { 0 } else { c.to_digit(36).unwrap_or(0) };
    text.chars().map(value).zip([7, 3, 1].into_iter().cycle()).map(|(value, weight)| value * weight).sum::<u32>() % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_those_of_the_standard() {
        assert_eq!((check("L898902C3"), check("740812"), check("120415"), check("ZE184226B<<<<<")), (6, 2, 9, 1));
    }

    #[test]
    fn lines_have_their_length() {
        for number in 0..72 {
            let person = Person::of(number, 2026);
            let expected: &[usize] = match person.document {
                Document::Passport => &[44, 44],
                Document::IdentityCard => &[30, 30, 30],
                Document::DrivingLicence => &[],
            };
            assert_eq!(lines(&person).iter().map(String::len).collect::<Vec<_>>(), expected, "{:?}", lines(&person));
        }
    }
}
