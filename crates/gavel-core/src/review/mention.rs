//! Mentions: `@` directly followed by an e-mail address (reviews §5).
//!
//! [`mentions`] finds what has the form of a mention, in one pass. [`matched`] keeps those that are members; the rest
//! stays plain text. Neither changes the comment.

use std::collections::BTreeMap;

/// The most members one row records.
pub const MAX_MENTIONED: usize = 50;

/// Every text of a comment that is called as an address, in order, repeats included.
pub fn mentions(comment: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut searched = 0;
    while let Some(at) = comment[searched..].find('@').map(|offset| searched + offset) {
        // A local part holds no `@`, so the next search may start behind it and the pass stays linear. It starts at the
        // second `@`, not behind the host: in `@a'@b@c.d` that `@` calls another address.
        let host_at = run_end(comment, at + 1, is_local);
        searched = host_at;
        let opens = comment[..at].chars().next_back().is_none_or(|before| !is_word(before));
        if !opens || host_at == at + 1 || !comment[host_at..].starts_with('@') {
            continue;
        }
        let host_from = host_at + 1;
        let host = comment[host_from..run_end(comment, host_from, is_host)].trim_end_matches(['.', '-']);
        if !host.is_empty() {
            found.push(&comment[at + 1..host_from + host.len()]);
        }
    }
    found
}

/// The members a comment mentions: each once, in order of first appearance, at most [`MAX_MENTIONED`].
///
/// `members` are the active console users with access to the application; `address` gives a member's e-mail address.
/// Addresses are compared ignoring case.
pub fn matched<'m, T>(comment: &str, members: &'m [T], address: impl Fn(&T) -> &str) -> Vec<&'m T> {
    let called = mentions(comment);
    if called.is_empty() {
        return Vec::new();
    }
    let mut waiting: BTreeMap<String, &T> = members.iter().map(|member| (address(member).to_lowercase(), member)).collect();
    // Taking a member out of the map makes a second mention of them find nothing.
    called.into_iter().filter_map(|called| waiting.remove(&called.to_lowercase())).take(MAX_MENTIONED).collect()
}

/// The end of the longest run from `start` of characters of a class.
fn run_end(text: &str, start: usize, belongs: fn(char) -> bool) -> usize {
    text[start..].find(|character| !belongs(character)).map_or(text.len(), |length| start + length)
}

/// What a mention may not directly follow: it would be the middle of something else, such as a bare address.
fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | '_' | '%' | '+' | '-')
}

fn is_local(character: char) -> bool {
    is_word(character) || character == '\''
}

fn is_host(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '-' | '.')
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn recognises_the_form() {
        for (comment, expected) in [
            ("Selfie shows another person. @lea@acme.example please double check", &["lea@acme.example"][..]),
            ("@maria@company.example", &["maria@company.example"]),
            ("(@a@b.c), @d@e.f! and @a@b.c again", &["a@b.c", "d@e.f", "a@b.c"]),
            ("see @ana@acme.example.", &["ana@acme.example"]),
            ("@ana@acme.example.-.- ok", &["ana@acme.example"]),
            ("@o'brien+x%y_z-1.2@a-b.c9", &["o'brien+x%y_z-1.2@a-b.c9"]),
            ("@josé@bücher.example", &["josé@bücher.example"]),
            ("@Ana@ACME.example", &["Ana@ACME.example"]),
            ("\n@a@b", &["a@b"]),
            ("'@a@b", &["a@b"]),
            ("@a'@b@c.d", &["a'@b", "b@c.d"]),
            ("@@a@b.c", &["a@b.c"]),
            ("@a@b@c.d", &["a@b"]),
            ("@a@-b", &["a@-b"]),
            ("mail ana@acme.example", &[]),
            ("x@ana@acme.example", &[]),
            (".@ana@acme.example _@a@b -@a@b +@a@b %@a@b 1@a@b é@a@b", &[]),
            ("@ana", &[]),
            ("@ ana@acme.example", &[]),
            ("@ana @acme.example", &[]),
            ("@ana@", &[]),
            ("@ana@.", &[]),
            ("@ana@_x", &[]),
            ("@", &[]),
            ("", &[]),
        ] {
            assert_eq!(mentions(comment), expected, "{comment}");
        }
    }

    #[test]
    fn matching_ignores_case_and_repeats() {
        let members = ["Lea@Acme.example", "josé@bücher.example", "bo@acme.example"];
        let comment = "@BO@acme.example @lea@acme.example @Bo@Acme.Example @nobody@acme.example @JOSÉ@Bücher.example.";
        assert_eq!(matched(comment, &members, |member| member), [&members[2], &members[0], &members[1]]);
        assert!(matched("nothing", &members, |member| member).is_empty());
    }

    #[test]
    fn at_most_fifty_members_are_recorded() {
        let members: Vec<String> = (0..60).map(|number| format!("m{number}@a.b")).collect();
        let comment: String = members.iter().map(|member| format!("@{member} ")).collect();
        let found = matched(&comment, &members, |member| member);
        assert_eq!(found, members.iter().take(50).collect::<Vec<_>>());
    }

    #[test]
    fn storms_take_linear_time() {
        let started = Instant::now();
        for piece in ["@", "@a", "a", "@a@", "@a'", "é@", "@a@b", "'@a@b"] {
            mentions(&piece.repeat(100_000));
        }
        assert!(started.elapsed() < Duration::from_secs(10), "quadratic would take minutes");
    }

    proptest! {
        #[test]
        fn never_panics_and_finds_parts_of_the_comment(comment in "([@a'.é -]|\\PC){0,40}") {
            for found in mentions(&comment) {
                let needle = format!("@{found}");
                prop_assert!(comment.contains(&needle));
            }
        }
    }
}
