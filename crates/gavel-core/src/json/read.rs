//! A reader for every type of the contract's tables (conventions §6), to be handed to [`Fields`](super::Fields).
//!
//! A reader takes one value that is not null and gives what it means, or the contract's text. Readers without a
//! parameter are plain functions (`fields.required("id", uuid)`), those with one return the reader
//! (`fields.optional("comment", text(10_000))`). A few wrap another reader: [`filled`], [`not_empty`], [`list_of`],
//! [`list_of_objects`], [`nested`].
//!
//! Whether an empty text is allowed is the caller's to say: [`text`] takes it, `filled(text(…))` answers
//! `This field may not be blank.` Required strings are always filled.

use uuid::Uuid;

use super::{FieldError, FieldErrors, Members, NAMED, Value, canonical};
use crate::{
    entry::{country, email::Email},
    ids::parse_uuid,
    time::{Day, Timestamp},
};

/// The longest URL any field takes, in characters.
pub const URL_LIMIT: usize = 2_048;

/// A string of at most so many characters, exactly as sent. A number is taken as its literal text.
pub fn text(max: usize) -> impl Fn(&Value<'_>) -> Result<String, FieldError> {
    move |sent| checked(literal(sent)?, max)
}

/// As [`text`], without the Unicode white space around it, which does not count against the limit either.
pub fn trimmed_text(max: usize) -> impl Fn(&Value<'_>) -> Result<String, FieldError> {
    move |sent| checked(literal(sent)?.trim(), max)
}

/// The text of a string or number, whatever its length.
fn literal<'v>(sent: &'v Value<'_>) -> Result<&'v str, FieldError> {
    match sent {
        Value::Text(text) => Ok(text),
        Value::Number(text) => Ok(text),
        _ => Err(FieldError::not_a_string()),
    }
}

fn checked(text: &str, max: usize) -> Result<String, FieldError> {
    if text.contains('\0') {
        return Err(FieldError::null_character());
    }
    if text.chars().nth(max).is_some() {
        return Err(FieldError::too_many_characters(max));
    }
    Ok(text.to_owned())
}

/// A text that may not be empty.
pub fn filled(read: impl Fn(&Value<'_>) -> Result<String, FieldError>) -> impl Fn(&Value<'_>) -> Result<String, FieldError> {
    move |sent| read(sent).and_then(|text| if text.is_empty() { Err(FieldError::blank()) } else { Ok(text) })
}

/// One of these texts, exactly.
pub fn choice(values: &[&'static str]) -> impl Fn(&Value<'_>) -> Result<&'static str, FieldError> {
    choice_of(|sent| values.iter().copied().find(|value| *value == sent))
}

/// A text that names a value of an enum, as `SessionStatus::from_name` reads it.
pub fn choice_of<T>(from_name: impl Fn(&str) -> Option<T>) -> impl Fn(&Value<'_>) -> Result<T, FieldError> {
    move |sent| sent.as_text().and_then(&from_name).ok_or_else(|| FieldError::not_a_choice(sent))
}

/// An integer between two borders: a JSON number without a fraction, or a string of decimal digits with or without sign.
pub fn integer(min: i64, max: i64) -> impl Fn(&Value<'_>) -> Result<i64, FieldError> {
    move |sent| {
        let digits = integer_digits(sent).ok_or_else(FieldError::not_an_integer)?;
        let negative = digits.starts_with('-');
        match digits.parse::<i64>() {
            Ok(value) if value < min => Err(FieldError::below(min)),
            Ok(value) if value > max => Err(FieldError::above(max)),
            Ok(value) => Ok(value),
            // Digits that are no i64 are beyond it, and so beyond either border.
            Err(_) if negative => Err(FieldError::below(min)),
            Err(_) => Err(FieldError::above(max)),
        }
    }
}

fn integer_digits(sent: &Value<'_>) -> Option<String> {
    match sent {
        Value::Number(text) => canonical::integer(text),
        Value::Text(text) => {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            let decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            decimal.then(|| text.to_string())
        }
        _ => None,
    }
}

/// A JSON number, or a string that holds a decimal number.
pub fn number(sent: &Value<'_>) -> Result<f64, FieldError> {
    let text = match sent {
        Value::Number(text) => text,
        // Rust's reader also knows `inf` and `nan`.
        Value::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => text.as_ref(),
        _ => return Err(FieldError::not_a_number()),
    };
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(FieldError::not_a_number)
}

/// A number between two borders.
pub fn number_in(min: f64, max: f64) -> impl Fn(&Value<'_>) -> Result<f64, FieldError> {
    move |sent| match number(sent)? {
        value if value < min => Err(FieldError::below(min)),
        value if value > max => Err(FieldError::above(max)),
        value => Ok(value),
    }
}

/// `true`, `false`, `1`, `0`, also as strings in any case.
pub fn boolean(sent: &Value<'_>) -> Result<bool, FieldError> {
    let word = match sent {
        Value::Bool(value) => return Ok(*value),
        Value::Number(text) => text,
        Value::Text(text) => text.as_ref(),
        _ => return Err(FieldError::not_a_boolean()),
    };
    if word == "1" || word.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if word == "0" || word.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(FieldError::not_a_boolean())
    }
}

/// A UUID, as the id type the field is for.
pub fn uuid<Id: From<Uuid>>(sent: &Value<'_>) -> Result<Id, FieldError> {
    sent.as_text().and_then(|text| parse_uuid(text).ok()).map(Id::from).ok_or_else(FieldError::not_a_uuid)
}

/// A calendar day.
pub fn day(sent: &Value<'_>) -> Result<Day, FieldError> {
    sent.as_text().and_then(Day::parse).ok_or_else(FieldError::not_a_date)
}

/// An instant.
pub fn timestamp(sent: &Value<'_>) -> Result<Timestamp, FieldError> {
    sent.as_text().and_then(Timestamp::parse).ok_or_else(FieldError::not_a_datetime)
}

/// An e-mail address by the rule of lists §5.
pub fn email(sent: &Value<'_>) -> Result<Email, FieldError> {
    let text = sent.as_text().ok_or_else(FieldError::not_an_email)?;
    Email::parse(text).map_err(|error| FieldError::text(error.message()))
}

/// An absolute http or https URL with a host, as sent.
pub fn url(max: usize) -> impl Fn(&Value<'_>) -> Result<String, FieldError> {
    move |sent| sent.as_text().filter(|text| is_url(text, max)).map(str::to_owned).ok_or_else(FieldError::not_a_url)
}

/// The URL standard repairs what a browser's user types: it drops blanks and reads `http:host`. A field takes only
/// what needs no repair.
fn is_url(text: &str, max: usize) -> bool {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
        && !rest.starts_with(['/', '?', '#'])
        && !text.contains(|character: char| character.is_whitespace() || character.is_control() || character == '\\')
        && text.chars().nth(max).is_none()
        && url::Url::parse(text).is_ok_and(|url| url.has_host())
}

/// An upper-case alpha-3 country code. The error text names the field.
pub fn country3(field: &'static str) -> impl Fn(&Value<'_>) -> Result<String, FieldError> {
    move |sent| {
        let code = sent.as_text().filter(|code| country::is_alpha3_upper(code));
        code.map(str::to_owned).ok_or_else(|| FieldError::not_a_country(field))
    }
}

/// An object of any members.
pub fn object<'v, 'a>(sent: &'v Value<'a>) -> Result<&'v Members<'a>, FieldError> {
    sent.as_object().ok_or_else(|| FieldError::not_an_object(sent))
}

/// An array of any items.
pub fn array<'v, 'a>(sent: &'v Value<'a>) -> Result<&'v [Value<'a>], FieldError> {
    sent.as_array().ok_or_else(|| FieldError::not_an_array(sent))
}

/// An object whose compact JSON has at most so many bytes: that text, which is what is stored.
pub fn json_object_max_bytes(max: usize) -> impl Fn(&Value<'_>) -> Result<String, FieldError> {
    move |sent| object(sent).and_then(|_| any_json_max_bytes(max)(sent))
}

/// Any JSON whose compact text has at most so many bytes: that text.
pub fn any_json_max_bytes(max: usize) -> impl Fn(&Value<'_>) -> Result<String, FieldError> {
    move |sent| {
        let json = sent.to_json();
        if json.len() > max { Err(FieldError::too_many_bytes(max)) } else { Ok(json) }
    }
}

/// An object read by a function of its own; its errors nest.
pub fn nested<'v, 'a: 'v, T>(
    read: impl Fn(&'v Value<'a>) -> Result<T, FieldErrors>,
) -> impl Fn(&'v Value<'a>) -> Result<T, FieldError> {
    move |sent| object(sent).and_then(|_| read(sent).map_err(FieldError::Nested))
}

/// An array of scalars; bad items are reported by their index, of very many the first.
pub fn list_of<'v, 'a: 'v, T>(
    read: impl Fn(&'v Value<'a>) -> Result<T, FieldError>,
) -> impl Fn(&'v Value<'a>) -> Result<Vec<T>, FieldError> {
    move |sent| {
        let (mut good, mut bad, mut mistakes) = (Vec::new(), Vec::new(), 0);
        for (index, item) in array(sent)?.iter().enumerate() {
            match item_not_null(item).and_then(&read) {
                Ok(item) => good.push(item),
                Err(error) => {
                    mistakes += error.count();
                    bad.push((index, error));
                }
            }
            if mistakes >= NAMED {
                break;
            }
        }
        if bad.is_empty() { Ok(good) } else { Err(FieldError::ByIndex(bad)) }
    }
}

fn item_not_null<'v, 'a>(item: &'v Value<'a>) -> Result<&'v Value<'a>, FieldError> {
    if *item == Value::Null { Err(FieldError::null()) } else { Ok(item) }
}

/// An array of objects; the errors are an array parallel to it, up to the last of very many.
pub fn list_of_objects<'v, 'a: 'v, T>(
    read: impl Fn(&'v Value<'a>) -> Result<T, FieldErrors>,
) -> impl Fn(&'v Value<'a>) -> Result<Vec<T>, FieldError> {
    move |sent| {
        let (mut good, mut errors, mut mistakes) = (Vec::new(), Vec::new(), 0);
        for item in array(sent)? {
            match read(item) {
                Ok(item) => {
                    good.push(item);
                    errors.push(FieldErrors::default());
                }
                Err(bad) => {
                    mistakes += bad.count();
                    errors.push(bad);
                }
            }
            if mistakes >= NAMED {
                break;
            }
        }
        if good.len() == errors.len() { Ok(good) } else { Err(FieldError::Items(errors)) }
    }
}

/// An array that may not be empty.
pub fn not_empty<'v, 'a: 'v, T>(
    read: impl Fn(&'v Value<'a>) -> Result<Vec<T>, FieldError>,
) -> impl Fn(&'v Value<'a>) -> Result<Vec<T>, FieldError> {
    move |sent| match array(sent)? {
        [] => Err(FieldError::empty_list()),
        _ => read(sent),
    }
}

#[cfg(test)]
mod tests;
