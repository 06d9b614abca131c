//! The parser behind [`Value::parse`].
//!
//! Plain recursive descent over the bytes. The whole body is checked to be UTF-8 once, so every string without an
//! escape is borrowed from it. Recursion is bounded by [`MAX_DEPTH`]. An error names what was expected and where;
//! it never quotes the body, which may hold personal values.

use std::{borrow::Cow, fmt};

use super::{Members, Value};

/// The deepest accepted nesting of arrays and objects.
pub(super) const MAX_DEPTH: usize = 128;

/// A number without exponent and with at most this many bytes is below 10^308 and so within the range of a double.
const SURELY_IN_RANGE: usize = 308;

/// Why a text is not JSON, and where. Shown as `expected ',' or '}' at line 2 column 7`; columns count characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    reason: &'static str,
    line: usize,
    column: usize,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {} column {}", self.reason, self.line, self.column)
    }
}

impl std::error::Error for SyntaxError {}

/// What is wrong at a byte of the body; becomes a [`SyntaxError`] once, at the end.
struct Wrong {
    reason: &'static str,
    at: usize,
}

impl Wrong {
    fn locate(self, bytes: &[u8]) -> SyntaxError {
        let before = &bytes[..self.at.min(bytes.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        SyntaxError {
            reason: self.reason,
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            column: 1 + String::from_utf8_lossy(&before[line_start..]).chars().count(),
        }
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Value<'_>, SyntaxError> {
    let text =
        std::str::from_utf8(bytes).map_err(|error| Wrong { reason: "invalid UTF-8", at: error.valid_up_to() }.locate(bytes))?;
    let mut parser = Parser { text, at: 0, depth: 0 };
    parser.document().map_err(|wrong| wrong.locate(bytes))
}

/// The four bytes JSON allows between tokens.
pub(super) fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn document(&mut self) -> Result<Value<'a>, Wrong> {
        let value = self.value()?;
        self.skip_white_space();
        if self.at == self.text.len() { Ok(value) } else { Err(self.wrong("expected the end of the text")) }
    }

    fn value(&mut self) -> Result<Value<'a>, Wrong> {
        self.skip_white_space();
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Value::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.wrong("expected a value")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value<'a>, Wrong>) -> Result<Value<'a>, Wrong> {
        if self.depth == MAX_DEPTH {
            return Err(self.wrong("nesting is deeper than 128 levels"));
        }
        self.depth += 1;
        self.at += 1; // the bracket `value` has seen
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Value<'a>, Wrong> {
        let mut members = Vec::new();
        self.skip_white_space();
        if self.take(b'}') {
            return Ok(Value::Object(Members::default()));
        }
        loop {
            self.skip_white_space();
            if self.peek() != Some(b'"') {
                return Err(self.wrong("expected a member name in double quotes"));
            }
            let name = self.string()?;
            self.skip_white_space();
            if !self.take(b':') {
                return Err(self.wrong("expected ':'"));
            }
            members.push((name, self.value()?));
            self.skip_white_space();
            if self.take(b'}') {
                return Ok(Value::Object(Members::new(members)));
            }
            if !self.take(b',') {
                return Err(self.wrong("expected ',' or '}'"));
            }
        }
    }

    fn array(&mut self) -> Result<Value<'a>, Wrong> {
        let mut items = Vec::new();
        self.skip_white_space();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_white_space();
            if self.take(b']') {
                return Ok(Value::Array(items));
            }
            if !self.take(b',') {
                return Err(self.wrong("expected ',' or ']'"));
            }
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Wrong> {
        self.at += 1; // the opening quote
        let mut resolved = String::new();
        let mut plain_from = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let plain = &self.text[plain_from..self.at];
                    self.at += 1;
                    if resolved.is_empty() {
                        return Ok(Cow::Borrowed(plain));
                    }
                    resolved.push_str(plain);
                    return Ok(Cow::Owned(resolved));
                }
                Some(b'\\') => {
                    resolved.push_str(&self.text[plain_from..self.at]);
                    resolved.push(self.escape()?);
                    plain_from = self.at;
                }
                Some(0x00..=0x1f) => return Err(self.wrong("control character in a string")),
                Some(_) => self.at += 1,
                None => return Err(self.wrong("unterminated string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Wrong> {
        self.at += 1; // the backslash
        let resolved = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.wrong("invalid escape")),
        };
        self.at += 1;
        Ok(resolved)
    }

    /// `\uXXXX`, or two of them that form a surrogate pair; `at` stands on the first `u`.
    fn unicode_escape(&mut self) -> Result<char, Wrong> {
        let start = self.at;
        let lone = Wrong { reason: "lone surrogate", at: start };
        let unit = self.hex_unit()?;
        if !(0xd800..0xe000).contains(&unit) {
            return char::from_u32(unit).ok_or(lone);
        }
        if unit >= 0xdc00 || !(self.take(b'\\') && self.peek() == Some(b'u')) {
            return Err(lone);
        }
        let low = self.hex_unit()?;
        if !(0xdc00..0xe000).contains(&low) {
            return Err(lone);
        }
        char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)).ok_or(lone)
    }

    /// The `u` and four hex digits of any case.
    fn hex_unit(&mut self) -> Result<u32, Wrong> {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 5).unwrap_or_default();
        let unit = digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?));
        match unit {
            Some(unit) if digits.len() == 4 => {
                self.at += 5;
                Ok(unit)
            }
            _ => Err(self.wrong("invalid escape")),
        }
    }

    fn number(&mut self) -> Result<Value<'a>, Wrong> {
        let start = self.at;
        self.take(b'-');
        if self.take(b'0') {
            if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                return Err(self.wrong("number with a leading zero"));
            }
        } else {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        let scaled = self.take(b'e') || self.take(b'E');
        if scaled {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let text = &self.text[start..self.at];
        let in_range = !scaled && text.len() <= SURELY_IN_RANGE || text.parse().is_ok_and(f64::is_finite);
        if in_range { Ok(Value::Number(text)) } else { Err(Wrong { reason: "number out of range", at: start }) }
    }

    /// One or more digits.
    fn digits(&mut self) -> Result<(), Wrong> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(self.wrong("expected a digit")) }
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, Wrong> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.wrong("expected a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn skip_white_space(&mut self) {
        while self.peek().is_some_and(is_white_space) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Whether this byte is next; steps over it if so.
    fn take(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    fn wrong(&self, reason: &'static str) -> Wrong {
        Wrong { reason, at: self.at }
    }
}
