//! What happens to the people of the sample data: who passes, who is stopped by what, who never comes back.
//!
//! A story says what the evidence finds and how the session ends; the days say how long ago it may have begun. The order
//! of all stories is fixed, so that two demos tell the same.

use super::{
    evidence::listed,
    people::{PEOPLE, Person, pick},
};

/// What the evidence finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Nothing remarkable.
    Nothing,
    /// A connection through a VPN: worth a note.
    Vpn,
    /// A connection from the office, which an allowlist knows.
    Office,
    /// A selfie only a little like the portrait.
    WeakFaceMatch,
    /// A selfie hardly like the portrait: somebody else's.
    OtherFace,
    /// A selfie that may be of a screen.
    DoubtfulLiveness,
    /// A photograph of a printed document.
    PrintedCopy,
    /// A proof of address in another name.
    OtherName,
    /// A name like one on a sanctions list.
    Sanctions,
    /// A date of birth that differs between print and machine-readable lines.
    DataDiffers,
    /// A register that knows the person only in part.
    PartlyKnown,
    /// A chip whose signature could not be checked.
    UnprovenChip,
    /// A document that has run out.
    OldDocument,
    /// Too young.
    TooYoung,
    /// A mask in front of the camera.
    Mask,
    /// A phone number on the blocklist.
    ListedPhone,
    /// An e-mail address on the blocklist.
    ListedEmail,
    /// An address inside a listed range.
    ListedRange,
    /// The document of the session with the mask, again.
    ListedDocument,
    /// A device on the blocklist.
    ListedDevice,
}

impl Finding {
    /// Makes the person fit: what the finding is about is true of the document and its pictures as well.
    pub fn shape(self, person: &mut Person) {
        let this_year = person.year;
        match self {
            Self::Mask | Self::ListedDocument => person.document_number = listed::DOCUMENT.to_owned(),
            Self::OldDocument => {
                person.dates.1 = format!("{}-03-14", this_year - 11);
                person.dates.2 = format!("{}-03-13", this_year - 1);
            }
            Self::TooYoung => {
                person.age = 16;
                person.dates.0 = format!("{}-01-09", this_year - 16);
            }
            _ => {}
        }
    }

    /// Who is in front of the camera: usually the person of the document.
    pub fn selfie_of(self, person: &Person) -> Person {
        match self {
            Self::WeakFaceMatch | Self::OtherFace | Self::Mask => {
                let others = (1..PEOPLE).map(|step| Person::of((person.number + step * 5) % PEOPLE, person.year));
                others.filter(|other| other.gender == person.gender).nth(1).unwrap_or_else(|| person.clone())
            }
            _ => person.clone(),
        }
    }

    /// What a reviewer writes about it.
    pub const fn remark(self) -> &'static str {
        match self {
            Self::WeakFaceMatch => "Compared by eye: same ears, same scar above the brow. It is the same person.",
            Self::PrintedCopy | Self::ListedDocument => "The document is a photocopy, the edges of the paper are visible.",
            Self::OtherName => "The bill is in the partner's name; marriage certificate received by e-mail.",
            Self::Sanctions => "Year and place of birth agree with the entry on the sanctions list.",
            Self::PartlyKnown => "The register has the old address; everything else agrees.",
            Self::DoubtfulLiveness => "Too dark to be sure. Please take the selfie again in daylight.",
            _ => "Looked at by hand.",
        }
    }
}

/// How a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As the evidence says.
    Evidence,
    /// A reviewer approves.
    Approved,
    /// A reviewer declines.
    Declined,
    /// A reviewer leaves it to a colleague.
    HandedOver,
    /// The person is asked to repeat what was doubtful.
    Resubmitted,
    /// Nobody ever opened the link.
    NotStarted,
    /// The person is in the middle of it.
    InProgress,
    /// It waits for somebody else.
    AwaitingUser,
    /// The link was not opened in time.
    Expired,
    /// Begun, and left.
    Abandoned,
    /// The approval has aged out.
    KycExpired,
}

/// One session to be.
#[derive(Debug, Clone, Copy)]
pub struct Story {
    /// What the evidence finds.
    pub finding: Finding,
    /// How it ends.
    pub ending: Ending,
    /// When it began, in seconds before now.
    pub ago: i64,
}

/// How many sessions, what is found, how they end, and between how many and how many days ago they began.
#[rustfmt::skip]
const PLOT: [(usize, Finding, Ending, i64, i64); 37] = {
    use Ending::*;
    use Finding::*;
    [
        (22, Nothing, Evidence, 20, 0),
        (2, Vpn, Evidence, 12, 1),
        (2, Office, Evidence, 14, 1),
        (2, WeakFaceMatch, Evidence, 2, 0),
        (1, DoubtfulLiveness, Evidence, 3, 0),
        (1, PrintedCopy, Evidence, 2, 0),
        (2, OtherName, Evidence, 3, 0),
        (1, Sanctions, Evidence, 2, 0),
        (1, DataDiffers, Evidence, 1, 0),
        (1, PartlyKnown, Evidence, 2, 0),
        (1, UnprovenChip, Evidence, 3, 0),
        (1, Sanctions, HandedOver, 3, 1),
        (1, OtherName, Approved, 9, 4),
        (1, WeakFaceMatch, Approved, 7, 2),
        (1, PartlyKnown, Approved, 12, 3),
        (1, PrintedCopy, Declined, 8, 3),
        (1, Sanctions, Declined, 11, 5),
        (2, ListedPhone, Evidence, 8, 1),
        (1, ListedEmail, Evidence, 6, 2),
        (2, ListedRange, Evidence, 9, 1),
        (1, Mask, Evidence, 13, 13),
        (1, ListedDocument, Evidence, 5, 3),
        (1, ListedDevice, Evidence, 4, 1),
        (1, OldDocument, Evidence, 10, 2),
        (1, OtherFace, Evidence, 9, 1),
        (1, TooYoung, Evidence, 7, 1),
        (4, Nothing, NotStarted, 1, 0),
        (3, Nothing, InProgress, 1, 0),
        (2, Nothing, AwaitingUser, 3, 1),
        (1, DoubtfulLiveness, Resubmitted, 2, 1),
        (1, PrintedCopy, Resubmitted, 2, 1),
        (1, WeakFaceMatch, Resubmitted, 1, 0),
        (4, Nothing, Expired, 19, 8),
        (2, Nothing, Abandoned, 17, 8),
        (1, WeakFaceMatch, Abandoned, 15, 9),
        (2, Nothing, KycExpired, 20, 19),
        (1, Vpn, KycExpired, 20, 19),
    ]
};

/// All stories, the oldest first.
pub fn stories() -> Vec<Story> {
    const DAY: i64 = 86_400;
    let mut all = Vec::new();
    for (count, finding, ending, oldest, newest) in PLOT {
        for _ in 0..count {
            let (number, span) = (all.len(), (oldest - newest).max(0) as usize * DAY as usize);
            // At the least half an hour ago, so that what follows has happened by now.
            let ago = newest * DAY + 1_800 + pick(number, "moment", span + DAY as usize / 2) as i64;
            all.push(Story { finding, ending, ago });
        }
    }
    all.sort_by_key(|story| -story.ago);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_enough_and_the_document_is_listed_before_it_comes_back() {
        let all = stories();
        assert!(all.len() >= 60, "{}", all.len());
        assert!(all.is_sorted_by_key(|story| -story.ago) && all.iter().all(|story| story.ago >= 1_800));
        let place = |finding| all.iter().position(|story| story.finding == finding);
        assert!(place(Finding::Mask) < place(Finding::ListedDocument));
    }
}
