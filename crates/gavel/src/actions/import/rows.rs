//! Rows of a file as its bytes arrive, in CSV or in lines of JSON.
//!
//! What a row is read as is a [`Shape`]: list imports and session imports have one each. Pieces may end anywhere. No row takes more memory than [`LONGEST`] bytes, whatever its sender does: a longer one is
//! refused and passed over to its end. A row that cannot be read is a refused row, not the end of the file; only a file
//! that is none of its format is refused as a whole ([`Broken`]).

use std::borrow::Cow;

use csv_core::ReadRecordResult;
use gavel_core::json::{FieldError, FieldErrors, Value};

/// Longest row in bytes.
pub const LONGEST: usize = 64 << 10;
/// Most columns of a CSV row.
pub const COLUMNS: usize = 100;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values, the first row names the columns.
    Csv,
    /// One JSON object per line.
    Ndjson,
}

impl Format {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Csv, Self::Ndjson].into_iter().find(|format| format.as_str() == name)
    }
}

/// What the rows of a file are read as.
pub struct Shape<T: 'static> {
    /// Columns of a CSV file that mean something; others are passed over.
    pub columns: &'static [&'static str],
    /// The columns without which it is no such file.
    pub needed: &'static [&'static str],
    /// What is said then.
    pub no_columns: &'static str,
    /// Reads a row, an object as it could stand in a line of JSON.
    pub read: fn(&Value<'_>) -> Result<T, FieldErrors>,
}

/// A row of the file. Rows are counted from 1, the names of the columns and blank lines are none.
pub struct Row<T> {
    /// Its place.
    pub number: u64,
    /// What it asks for, or everything that is wrong with it.
    pub read: Result<T, FieldErrors>,
    /// As sent: its cells by column, those beyond as `_more`, or its line; U+FFFD for what is no UTF-8. Null when it was
    /// too long.
    pub raw: serde_json::Value,
}

/// Why the whole file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub &'static str);

/// Reads the rows of one file.
pub struct Rows<T: 'static> {
    shape: &'static Shape<T>,
    head: Vec<u8>,
    started: bool,
    number: u64,
    lines: Lines,
}

enum Lines {
    Csv(Box<CsvState>),
    Ndjson(NdjsonState),
}

#[derive(Default)]
struct NdjsonState {
    line: Vec<u8>,
    too_long: bool,
}

struct CsvState {
    reader: csv_core::Reader,
    cells: Vec<u8>,
    ends: Vec<usize>,
    filled: usize,
    ended: usize,
    too_long: bool,
    columns: Option<Vec<String>>,
}

impl<T> Rows<T> {
    /// Nothing read yet.
    pub fn new(format: Format, shape: &'static Shape<T>) -> Self {
        let lines = match format {
            Format::Ndjson => Lines::Ndjson(NdjsonState::default()),
            Format::Csv => Lines::Csv(Box::new(CsvState {
                reader: csv_core::Reader::new(),
                cells: vec![0; LONGEST],
                ends: vec![0; COLUMNS],
                filled: 0,
                ended: 0,
                too_long: false,
                columns: None,
            })),
        };
        Self { shape, head: Vec::new(), started: false, number: 0, lines }
    }

    /// Takes the next piece.
    pub fn push(&mut self, bytes: &[u8], rows: &mut Vec<Row<T>>) -> Result<(), Broken> {
        if self.started {
            return self.read(bytes, rows);
        }
        self.head.extend_from_slice(bytes);
        if self.head.len() < 3 {
            return Ok(()); // Three bytes tell whether there is a mark, and of which encoding.
        }
        self.start(rows)
    }

    /// Takes the end of the file.
    pub fn finish(mut self, rows: &mut Vec<Row<T>>) -> Result<(), Broken> {
        if !self.started {
            self.start(rows)?;
        }
        match &mut self.lines {
            Lines::Ndjson(state) => {
                if let Some(row) = state.end_line(self.shape, &mut self.number) {
                    rows.push(row);
                }
                Ok(())
            }
            Lines::Csv(state) => {
                // Ends a last row without a line end. What is not ended by it stands behind a quote left open.
                state.read(self.shape, b"\n", &mut self.number, rows)?;
                state.too_long |= state.filled + state.ended > 0;
                state.read(self.shape, &[], &mut self.number, rows)?;
                if state.columns.is_none() { Err(Broken(self.shape.no_columns)) } else { Ok(()) }
            }
        }
    }

    fn start(&mut self, rows: &mut Vec<Row<T>>) -> Result<(), Broken> {
        self.started = true;
        let head = std::mem::take(&mut self.head);
        if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
            return Err(Broken("The file is UTF-16; send it as UTF-8."));
        }
        self.read(head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head), rows)
    }

    fn read(&mut self, bytes: &[u8], rows: &mut Vec<Row<T>>) -> Result<(), Broken> {
        if bytes.is_empty() {
            return Ok(()); // To the CSV reader nothing at all is the end.
        }
        match &mut self.lines {
            Lines::Csv(state) => state.read(self.shape, bytes, &mut self.number, rows),
            Lines::Ndjson(state) => {
                state.read(self.shape, bytes, &mut self.number, rows);
                Ok(())
            }
        }
    }
}

fn too_long() -> FieldErrors {
    let text = format!("This row has more than {LONGEST} bytes or {COLUMNS} columns. Is a quote left open?");
    FieldErrors::of_no_field(text)
}

fn refused<T>(number: u64, errors: FieldErrors, raw: serde_json::Value) -> Row<T> {
    Row { number, read: Err(errors), raw }
}

impl NdjsonState {
    fn read<T>(&mut self, shape: &Shape<T>, mut bytes: &[u8], number: &mut u64, rows: &mut Vec<Row<T>>) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.add(&bytes[..end]);
            rows.extend(self.end_line(shape, number));
            bytes = &bytes[end + 1..];
        }
        self.add(bytes);
    }

    fn add(&mut self, bytes: &[u8]) {
        if self.line.len() + bytes.len() > LONGEST {
            self.too_long = true;
            self.line.clear();
        }
        if !self.too_long {
            self.line.extend_from_slice(bytes);
        }
    }

    fn end_line<T>(&mut self, shape: &Shape<T>, number: &mut u64) -> Option<Row<T>> {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.too_long) {
            *number += 1;
            return Some(refused(*number, too_long(), serde_json::Value::Null));
        }
        if line.trim_ascii().is_empty() {
            return None;
        }
        *number += 1;
        let text = String::from_utf8_lossy(&line);
        let read = match Value::parse(text.as_bytes()) {
            _ if matches!(text, Cow::Owned(_)) => Err(not_utf8()),
            Ok(sent) => (shape.read)(&sent),
            Err(reason) => Err(FieldErrors::of_no_field(format!("JSON parse error - {reason}"))),
        };
        Some(Row { number: *number, read, raw: text.trim_end_matches('\r').into() })
    }
}

fn not_utf8() -> FieldErrors {
    FieldErrors::of_no_field("This row is not UTF-8.")
}

impl CsvState {
    fn read<T>(&mut self, shape: &Shape<T>, mut bytes: &[u8], number: &mut u64, rows: &mut Vec<Row<T>>) -> Result<(), Broken> {
        let at_end = bytes.is_empty();
        loop {
            let (result, taken, filled, ended) =
                self.reader.read_record(bytes, &mut self.cells[self.filled..], &mut self.ends[self.ended..]);
            bytes = &bytes[taken..];
            self.filled += filled;
            self.ended += ended;
            match result {
                ReadRecordResult::InputEmpty if !at_end => return Ok(()),
                ReadRecordResult::InputEmpty => {} // Once more with nothing: the end.
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    (self.too_long, self.filled, self.ended) = (true, 0, 0);
                }
                ReadRecordResult::Record => {
                    self.end_record(shape, number, rows)?;
                    (self.too_long, self.filled, self.ended) = (false, 0, 0);
                }
                ReadRecordResult::End => return Ok(()),
            }
        }
    }

    fn end_record<T>(&mut self, shape: &Shape<T>, number: &mut u64, rows: &mut Vec<Row<T>>) -> Result<(), Broken> {
        let Some(columns) = &self.columns else {
            if self.too_long {
                return Err(Broken(shape.no_columns)); // What the reader says of its cells is of no use then.
            }
            let names = cells(&self.cells, &self.ends[..self.ended]);
            if names.iter().any(|cell| matches!(cell, Cow::Owned(_))) {
                return Err(Broken("The first row is not UTF-8."));
            }
            let names: Vec<String> = names.into_iter().map(|name| name.trim().to_lowercase()).collect();
            if !shape.needed.iter().all(|needed| names.iter().any(|name| name == needed)) {
                return Err(Broken(shape.no_columns));
            }
            self.columns = Some(names);
            return Ok(());
        };
        *number += 1;
        if self.too_long {
            rows.push(refused(*number, too_long(), serde_json::Value::Null));
            return Ok(());
        }
        let cells = cells(&self.cells, &self.ends[..self.ended]);
        let named: Vec<(&str, Cow<'_, str>)> =
            columns.iter().map(String::as_str).zip(cells.iter().map(|cell| unguarded(cell))).collect();
        let raw = named.iter().map(|(name, cell)| ((*name).to_owned(), cell.as_ref().into()));
        let mut raw: serde_json::Map<String, serde_json::Value> = raw.collect();
        let more = cells.get(columns.len()..).filter(|more| more.iter().any(|cell| !cell.is_empty()));
        raw.extend(more.map(|more| ("_more".to_owned(), more.iter().map(|cell| unguarded(cell)).collect())));
        let read = if cells.iter().any(|cell| matches!(cell, Cow::Owned(_))) {
            Err(not_utf8())
        } else if more.is_some() {
            Err(FieldErrors::of_no_field("This row has more cells than the first row names columns."))
        } else {
            read_cells(shape, &named)
        };
        rows.push(Row { number: *number, read, raw: raw.into() });
        Ok(())
    }
}

/// The cells of a record; one that is not UTF-8 is owned. Each is read by itself, because a cell may end inside a character.
fn cells<'a>(bytes: &'a [u8], ends: &[usize]) -> Vec<Cow<'a, str>> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).map(|(start, end)| String::from_utf8_lossy(&bytes[start..*end])).collect()
}

/// Reads what the cells of a row stand for. An empty cell is an absent member.
fn read_cells<T>(shape: &Shape<T>, cells: &[(&str, Cow<'_, str>)]) -> Result<T, FieldErrors> {
    let mut members = Vec::new();
    for (name, cell) in cells.iter().filter(|(name, cell)| shape.columns.contains(name) && !cell.is_empty()) {
        let value = match *name {
            "metadata" => Value::parse(cell.as_bytes())
                .map_err(|_| FieldErrors::default().with("metadata", FieldError::text("Metadata must be a JSON object.")))?,
            _ => Value::Text(Cow::Borrowed(cell.as_ref())),
        };
        members.push((Cow::Borrowed(*name), value));
    }
    (shape.read)(&Value::Object(members.into_iter().collect()))
}

/// A cell for a spreadsheet: what one would run as a formula gets an apostrophe in front, and so does what already looks
/// like that, so that [`unguarded`] gives back exactly what was.
pub fn guarded(cell: &str) -> Cow<'_, str> {
    if looks_like_formula(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// The opposite of [`guarded`].
pub fn unguarded(cell: &str) -> Cow<'_, str> {
    match cell.strip_prefix('\'') {
        Some(rest) if looks_like_formula(rest) => Cow::Borrowed(rest),
        _ => Cow::Borrowed(cell),
    }
}

/// Plain numbers, E.164 among them, are no formulas.
fn looks_like_formula(cell: &str) -> bool {
    let bare = cell.trim_start_matches('\'');
    let number = bare.strip_prefix(['+', '-']).unwrap_or(bare);
    let is_number = !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && number.bytes().filter(|byte| *byte == b'.').count() <= 1;
    bare.starts_with(['=', '+', '-', '@', '\t', '\r']) && !(is_number && bare.len() == cell.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::actions::import::ENTRIES;

    const NO_COLUMNS: Broken = Broken(ENTRIES.no_columns);

    /// Rows by number: value and comment, or what is wrong.
    type Seen = Vec<(u64, Result<String, String>)>;

    fn read(format: Format, pieces: &[&[u8]]) -> Result<Seen, Broken> {
        let (mut rows, mut reader) = (Vec::new(), Rows::new(format, &ENTRIES));
        for piece in pieces {
            reader.push(piece, &mut rows)?;
        }
        reader.finish(&mut rows)?;
        let shown = |row: Row<crate::actions::entries::NewEntry>| {
            let entry = row.read.map(|new| format!("{}|{}", new.value.unwrap_or_default(), new.comment));
            (row.number, entry.map_err(|errors| serde_json::to_string(&errors).unwrap()))
        };
        Ok(rows.into_iter().map(shown).collect())
    }

    fn fine(values: &[&str]) -> Seen {
        values.iter().zip(1..).map(|(value, number)| (number, Ok((*value).to_owned()))).collect()
    }

    #[test]
    fn csv_of_all_kinds_of_programs() {
        for text in [
            "value,comment\na,x\nb,\n",
            "\u{feff}Value , COMMENT\r\na,x\r\nb,\r\n",
            "comment,value,other\nx,a,1\n,b,2",
            "value,comment\n\n\n\"a\",\"x\"\nb\n",
        ] {
            assert_eq!(read(Format::Csv, &[text.as_bytes()]), Ok(fine(&["a|x", "b|"])), "{text:?}");
        }
        assert_eq!(read(Format::Csv, &[b"value,comment\na,\"x, \"\"y\"\"\nz\"\n"]), Ok(fine(&["a|x, \"y\"\nz"])));
    }

    #[test]
    fn lines_of_json() {
        let text = b"{\"value\":\"a\"}\r\n\n {\"value\":\"b\",\"comment\":\"x\"}";
        assert_eq!(read(Format::Ndjson, &[text]), Ok(fine(&["a|", "b|x"])));
    }

    #[test]
    fn what_cannot_be_read_is_refused_row_by_row() {
        let wide = format!("value\n{}\nb\n", "a,".repeat(10_000));
        let long = format!("value\n{}\nb\n", "a".repeat(LONGEST + 1));
        let open = format!("value\n\"{}", "a\n".repeat(LONGEST));
        for text in [&wide, &long, &open] {
            let rows = read(Format::Csv, &[text.as_bytes()]).unwrap();
            assert!(rows[0].1.as_ref().unwrap_err().contains("Is a quote left open?"), "{}", &text[..20]);
            assert!(rows.len() == 1 || rows[1..] == [(2, Ok("b|".to_owned()))]);
        }
        assert!(read(Format::Csv, &[b"value\na,b\n"]).unwrap()[0].1.as_ref().unwrap_err().contains("more cells"));
        for open in [&b"value\n\"a\nb\n"[..], b"value\n\"", b"value\n\"\n", b"value\n\"a"] {
            let rows = read(Format::Csv, &[open]).unwrap();
            assert!(rows.len() == 1 && rows[0].1.as_ref().unwrap_err().contains("Is a quote left open?"), "{rows:?}");
        }
        let rows = read(Format::Csv, &[b"value\n\xe9\nb\na\0\n"]).unwrap();
        assert!(rows[0].1.as_ref().unwrap_err().contains("UTF-8") && rows[1].1.is_ok());
        assert!(rows[2].1.as_ref().unwrap_err().contains("Null characters"), "{rows:?}");
        let long = format!("{{\"value\":\"{}\"}}\n{{\"value\":\"b\"}}\n[]\n{{\n", "a".repeat(LONGEST));
        let rows = read(Format::Ndjson, &[long.as_bytes()]).unwrap();
        assert!(rows[0].1.is_err() && rows[1].1.is_ok() && rows[2].1.is_err() && rows[3].1.is_err());
    }

    #[test]
    fn a_file_of_another_kind_is_refused_whole() {
        assert_eq!(read(Format::Csv, &[b"phone\n1\n"]), Err(NO_COLUMNS));
        assert_eq!(read(Format::Csv, &[b""]), Err(NO_COLUMNS));
        for long in [vec![0; 3 * LONGEST], b"value,".repeat(COLUMNS + 1), b"\"".repeat(3 * LONGEST + 1)] {
            assert_eq!(read(Format::Csv, &[&long]), Err(NO_COLUMNS));
        }
        assert!(read(Format::Csv, &[b"\xff\xfev\0"]).is_err());
        assert_eq!(read(Format::Ndjson, &[b""]), Ok(vec![]));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_pieces_end(
            text in "(value|comment|,|\"|\n|\r\n|a|é|\\{\"value\":\"b\"\\}|=|'){0,40}",
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
            csv in any::<bool>(),
        ) {
            let text = format!("value,comment\n{text}");
            let format = if csv { Format::Csv } else { Format::Ndjson };
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len())).chain([0, text.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            prop_assert_eq!(read(format, &pieces), read(format, &[text.as_bytes()]));
        }

        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300), csv in any::<bool>()) {
            let format = if csv { Format::Csv } else { Format::Ndjson };
            let _ = read(format, &[&bytes]);
            let _ = read(format, &[b"value\n", &bytes]);
        }

        #[test]
        fn a_guarded_cell_is_no_formula_and_comes_back(cell in "['=+@\\-\t\r0-9.a]{0,6}") {
            let guarded = guarded(&cell).into_owned();
            prop_assert_eq!(unguarded(&guarded), cell.as_str());
            let number = guarded.strip_prefix(['+', '-']).is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
            prop_assert!(number || !guarded.starts_with(['=', '+', '-', '@', '\t', '\r']));
        }
    }
}
