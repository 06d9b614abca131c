//! An export, line by line: whole, or the first row that is not what was sealed and signed.
//!
//! Every line has one spelling, so a changed byte is found even where JSON would read the same. A row is bad when its own
//! hash does not follow from the hash before it; so of an edited row, of a gap and of two that changed places it is the
//! first that is named. Where somebody has written all hashes anew, the last one is not the signed one; only a remembered
//! checkpoint then tells where that began.

use std::{collections::HashSet, fmt};

use uuid::Uuid;

use super::{Checkpoint, Hash, Head, PublicKey, ROTATED, SignedCheckpoint, chain, commitment, genesis, read_hex};
use crate::json::{
    Members, Value,
    canonical::{Escape, write, write_text},
};

/// Longest line, in bytes: more is never held in memory.
pub const LINE_LIMIT: usize = 4 << 20;

/// Where an export stops being what was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// Line of the file, from 1.
    pub line: u64,
    /// Number of the row that should stand there; `None` for the head.
    pub row: Option<u64>,
    /// What is wrong.
    pub reason: Reason,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, ", self.line)?;
        match self.row {
            Some(row) => write!(f, "row {row}: {}", self.reason),
            None => write!(f, "head: {}", self.reason),
        }
    }
}

impl std::error::Error for Bad {}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The file has no lines.
    #[error("the file is empty")]
    Empty,
    /// A last line without its newline, or one that never ends.
    #[error("the line is cut off, or longer than 4 MiB")]
    Cut,
    /// Other JSON than this format has, or another spelling of it.
    #[error("not a line of this format")]
    Form,
    /// A head by somebody else.
    #[error("signed with key {0}, which is neither the given one nor follows from it")]
    OtherKey(String),
    /// A signature that does not belong to the text.
    #[error("the signature does not hold")]
    Signature,
    /// A change of keys that was not signed by both.
    #[error("the change of keys {0} is not signed by both keys")]
    Rotation(Uuid),
    /// A row of another number.
    #[error("the row here is number {0}")]
    Number(u64),
    /// A row beyond the count of the head.
    #[error("the head counts fewer rows")]
    Extra,
    /// The file ends before the head's count.
    #[error("missing: the head counts {0} rows")]
    Missing(u64),
    /// The row was changed, or what came before it.
    #[error("the hash does not follow from the row and the hash before it")]
    Hash,
    /// The row's personal values were changed.
    #[error("the personal values are not those of the commitment")]
    Commitment,
    /// The row tells of a change of keys that the head does not have.
    #[error("the change of keys is not in the head")]
    UnknownRotation,
    /// Rows that hang together, and end elsewhere than was signed.
    #[error("the chain does not end with the hash of the head: rows were written anew")]
    End,
    /// A remembered checkpoint of another application, or signed by somebody else.
    #[error("a given checkpoint is not of this application, or not signed by a key of it")]
    Checkpoint,
    /// Rows written anew up to here.
    #[error("the hash is not that of the given checkpoint: rows up to here were written anew")]
    NotTheCheckpoint,
    /// An export from before the checkpoint.
    #[error("missing: the given checkpoint counts {0} rows; this is an older export, or rows were cut off")]
    Older(u64),
}

/// What a good export holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whose, how many rows, their end, and when the export was made.
    pub end: Checkpoint,
    /// The key it was signed with.
    pub key_id: String,
    /// Whether it was made with personal values.
    pub values: bool,
    /// Rows that have none in it.
    pub without_values: u64,
    /// Remembered checkpoints that were met.
    pub checkpoints: usize,
}

/// Takes the lines of an export in their order.
pub struct Verifier {
    trusted: PublicKey,
    /// In the order of their counts.
    checkpoints: Vec<SignedCheckpoint>,
    met: usize,
    line: u64,
    head: Option<(Head, String)>,
    rotations: HashSet<Uuid>,
    previous: Hash,
    without_values: u64,
    bad: Option<Bad>,
    whole: String,
    hashed: String,
}

impl Verifier {
    /// Believes this key, keys that follow from it, and nobody else. Checkpoints are those remembered from earlier.
    pub fn new(trusted: PublicKey, mut checkpoints: Vec<SignedCheckpoint>) -> Self {
        checkpoints.sort_by_key(|signed| signed.checkpoint.count);
        Self {
            trusted,
            checkpoints,
            met: 0,
            line: 0,
            head: None,
            rotations: HashSet::new(),
            previous: Hash([0; 32]),
            without_values: 0,
            bad: None,
            whole: String::new(),
            hashed: String::new(),
        }
    }

    /// The next line, with its newline. After an error the same is answered for ever.
    pub fn line(&mut self, line: &[u8]) -> Result<(), Bad> {
        if let Some(bad) = &self.bad {
            return Err(bad.clone());
        }
        self.line += 1;
        let ended = line.strip_suffix(b"\n").filter(|line| line.len() <= LINE_LIMIT).ok_or(Reason::Cut);
        let checked = ended.and_then(|line| if self.line == 1 { self.first(line) } else { self.row(line) });
        checked.map_err(|reason| {
            let bad = self.bad(reason);
            self.bad = Some(bad.clone());
            bad
        })
    }

    /// The end of the file.
    pub fn finish(mut self) -> Result<Report, Bad> {
        if let Some(bad) = self.bad {
            return Err(bad);
        }
        let rows = self.line.saturating_sub(1);
        self.line += 1;
        let Some((head, key_id)) = self.head.take() else { return Err(self.bad(Reason::Empty)) };
        if rows < head.end.count {
            return Err(self.bad(Reason::Missing(head.end.count)));
        }
        if let Some(later) = self.checkpoints.get(self.met) {
            return Err(self.bad(Reason::Older(later.checkpoint.count)));
        }
        Ok(Report {
            end: head.end,
            key_id,
            values: head.values,
            without_values: self.without_values,
            checkpoints: self.checkpoints.len(),
        })
    }

    fn bad(&self, reason: Reason) -> Bad {
        Bad { line: self.line, row: self.line.checked_sub(1).filter(|row| *row > 0), reason }
    }

    fn first(&mut self, line: &[u8]) -> Result<(), Reason> {
        let text = std::str::from_utf8(line).map_err(|_| Reason::Form)?;
        let value = Value::parse(line).map_err(|_| Reason::Form)?;
        let (head, key_id, signature) = Head::read(&value).map_err(|_| Reason::Form)?;
        let mut key = self.trusted;
        let mut known = vec![self.trusted];
        for rotation in &head.rotations {
            if !rotation.holds() {
                return Err(Reason::Rotation(rotation.id()));
            }
            self.rotations.insert(rotation.id());
            if rotation.old == key && rotation.old_signature.is_some() {
                key = rotation.new;
                known.push(key);
            }
        }
        // A key vouches for those before it: it has signed that it follows them.
        for rotation in head.rotations.iter().rev() {
            if known.contains(&rotation.new) && !known.contains(&rotation.old) {
                known.push(rotation.old);
            }
        }
        if key.id() != key_id {
            return Err(Reason::OtherKey(key_id));
        }
        if !head.holds(text, &key, &signature) {
            return Err(Reason::Signature);
        }
        let remembered = |signed: &SignedCheckpoint| {
            signed.checkpoint.application == head.end.application && known.iter().any(|key| signed.holds(key))
        };
        if !self.checkpoints.iter().all(remembered) {
            return Err(Reason::Checkpoint);
        }
        self.previous = genesis(head.end.application);
        self.head = Some((head, key_id));
        self.ends_here(0)
    }

    fn row(&mut self, line: &[u8]) -> Result<(), Reason> {
        let (count, number) = match &self.head {
            Some((head, _)) => (head.end.count, self.line - 1),
            None => return Err(Reason::Form),
        };
        let values = self.head.as_ref().is_some_and(|(head, _)| head.values);
        let value = Value::parse(line).map_err(|_| Reason::Form)?;
        let members = value.as_object().ok_or(Reason::Form)?;
        self.spell(members);
        let row = Row::read(members).filter(|row| values || row.personal.is_none()).ok_or(Reason::Form)?;
        if self.whole.as_bytes() != line {
            return Err(Reason::Form);
        }
        if row.seq != number {
            return Err(Reason::Number(row.seq));
        }
        if number > count {
            return Err(Reason::Extra);
        }
        if chain::hash(&self.previous, self.hashed.as_bytes()) != row.hash {
            return Err(Reason::Hash);
        }
        match row.personal {
            Some((salt, personal)) if commitment(&salt, personal) != row.commitment => return Err(Reason::Commitment),
            Some(_) => {}
            None => self.without_values += 1,
        }
        if row.kind == ROTATED && !row.rotation.is_some_and(|id| self.rotations.contains(&id)) {
            return Err(Reason::UnknownRotation);
        }
        self.previous = row.hash;
        self.ends_here(number)
    }

    /// The one spelling of the line, and of what is hashed of it.
    fn spell(&mut self, members: &Members<'_>) {
        self.whole.clear();
        self.hashed.clear();
        for (name, value) in members.iter_by_name() {
            let start = self.whole.len();
            self.whole.push(if start == 0 { '{' } else { ',' });
            write_text(&mut self.whole, name, Escape::Needed);
            self.whole.push(':');
            write(&mut self.whole, value, Escape::Needed);
            if !matches!(name, "hash" | "personal" | "salt") {
                self.hashed.push_str(&self.whole[start..]);
            }
        }
        self.whole.push('}');
        self.hashed.push('}');
    }

    /// Whether what was signed elsewhere about this place is so.
    fn ends_here(&mut self, number: u64) -> Result<(), Reason> {
        while let Some(next) = self.checkpoints.get(self.met).filter(|next| next.checkpoint.count <= number) {
            if next.checkpoint.head != self.previous {
                return Err(Reason::NotTheCheckpoint);
            }
            self.met += 1;
        }
        match &self.head {
            Some((head, _)) if head.end.count == number && head.end.head != self.previous => Err(Reason::End),
            _ => Ok(()),
        }
    }
}

/// What is looked at of a row.
struct Row<'a> {
    seq: u64,
    hash: Hash,
    kind: &'a str,
    rotation: Option<Uuid>,
    commitment: [u8; 32],
    personal: Option<([u8; 32], &'a str)>,
}

impl<'a> Row<'a> {
    /// `None`: a member is missing, of another type, or of none of ours.
    fn read(members: &'a Members<'_>) -> Option<Self> {
        const TEXTS: [&str; 9] = ["actor_type", "at", "commitment", "hash", "id", "kind", "method", "route", "type"];
        let text = |name: &str| members.get(name)?.as_text();
        let integer = |name: &str| match members.get(name)? {
            Value::Number(digits) => digits.parse::<u64>().ok(),
            _ => None,
        };
        let objects = members.get("objects")?.as_object()?;
        let personal = match (members.get("personal"), members.get("salt")) {
            (None, None) => None,
            (Some(Value::Text(personal)), Some(Value::Text(salt))) => Some((read_hex(salt)?, personal.as_ref())),
            _ => return None,
        };
        let expected = 13 + if personal.is_some() { 2 } else { 0 };
        let shaped = members.len() == expected
            && TEXTS.iter().all(|name| text(name).is_some())
            && matches!(members.get("actor_id")?, Value::Null | Value::Text(_))
            && integer("status_code").is_some()
            && text("type")? == "event"
            && objects.iter().all(|(_, id)| id.as_text().is_some());
        shaped.then_some(())?;
        Some(Self {
            seq: integer("seq")?,
            hash: text("hash")?.parse().ok()?,
            kind: text("kind")?,
            rotation: objects.get("rotation").and_then(Value::as_text).and_then(|id| id.parse().ok()),
            commitment: read_hex(text("commitment")?)?,
            personal,
        })
    }
}
