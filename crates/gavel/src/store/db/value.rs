//! Parameters and columns: the few kinds both engines store.
//!
//! Times are integer microseconds (so that they sort and compare the same on both), ids are UUIDs (a 16-byte blob on
//! SQLite), JSON given by clients is text, spelled as it was sent.

use gavel_core::time::Timestamp;
use uuid::Uuid;

use super::StoreError;

/// A parameter, or a column of a SQLite row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A boolean; 0 or 1 on SQLite.
    Bool(bool),
    /// Any integer; microseconds for times.
    Int(i64),
    /// A text without U+0000.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A UUID.
    Uuid(Uuid),
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}
impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}
impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}
impl From<[u8; 32]> for Value {
    fn from(value: [u8; 32]) -> Self {
        Self::Bytes(value.to_vec())
    }
}
impl From<Uuid> for Value {
    fn from(value: Uuid) -> Self {
        Self::Uuid(value)
    }
}
impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Int(value.as_micros())
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row of an answer.
pub enum Row {
    /// Values read at once, since a SQLite row ends with its statement.
    Sqlite(Vec<Value>),
    /// The driver's own row.
    Postgres(tokio_postgres::Row),
}

impl Row {
    /// Reads the columns one after the other, in the order of the SELECT.
    pub fn columns(&self) -> Columns<'_> {
        self.columns_from(0)
    }

    /// The same from a later column on.
    pub fn columns_from(&self, first: usize) -> Columns<'_> {
        Columns { row: self, next: first }
    }

    /// Reads one column by its place, from 0.
    pub fn get<T: Column>(&self, place: usize) -> Result<T, StoreError> {
        T::read(self, place)
    }
}

/// Reads a row from left to right, beside the list of columns of its SELECT.
pub struct Columns<'r> {
    row: &'r Row,
    next: usize,
}

impl Columns<'_> {
    /// The next column.
    pub fn take<T: Column>(&mut self) -> Result<T, StoreError> {
        let place = self.next;
        self.next += 1;
        self.row.get(place)
    }
}

/// What a column can be read as.
pub trait Column: Sized {
    /// Reads the column at this place.
    fn read(row: &Row, place: usize) -> Result<Self, StoreError>;
}

fn mismatch(place: usize) -> StoreError {
    StoreError::Fault(format!("column {place} is of another type than the store expects"))
}

macro_rules! columns {
    ($($type:ty, $sqlite:pat => $read:expr;)*) => {$(
        impl Column for $type {
            fn read(row: &Row, place: usize) -> Result<Self, StoreError> {
                match row {
                    Row::Sqlite(values) => match values.get(place) {
                        Some($sqlite) => $read,
                        _ => None,
                    }
                    .ok_or_else(|| mismatch(place)),
                    Row::Postgres(row) => row.try_get(place).map_err(|_| mismatch(place)),
                }
            }
        }
        impl Column for Option<$type> {
            fn read(row: &Row, place: usize) -> Result<Self, StoreError> {
                match row {
                    Row::Sqlite(values) if values.get(place) == Some(&Value::Null) => Ok(None),
                    Row::Sqlite(_) => <$type>::read(row, place).map(Some),
                    Row::Postgres(row) => row.try_get(place).map_err(|_| mismatch(place)),
                }
            }
        }
    )*};
}

columns! {
    bool, Value::Int(value) => Some(*value != 0);
    i64, Value::Int(value) => Some(*value);
    String, Value::Text(value) => Some(value.clone());
    Vec<u8>, Value::Bytes(value) => Some(value.clone());
    Uuid, Value::Bytes(value) => Uuid::from_slice(value).ok();
}

impl Column for Timestamp {
    fn read(row: &Row, place: usize) -> Result<Self, StoreError> {
        i64::read(row, place).map(Timestamp::from_micros)
    }
}

impl Column for Option<Timestamp> {
    fn read(row: &Row, place: usize) -> Result<Self, StoreError> {
        Option::<i64>::read(row, place).map(|micros| micros.map(Timestamp::from_micros))
    }
}

impl Column for u64 {
    fn read(row: &Row, place: usize) -> Result<Self, StoreError> {
        u64::try_from(i64::read(row, place)?).map_err(|_| mismatch(place))
    }
}

impl Column for Option<u64> {
    fn read(row: &Row, place: usize) -> Result<Self, StoreError> {
        Option::<i64>::read(row, place)?.map(|n| u64::try_from(n).map_err(|_| mismatch(place))).transpose()
    }
}
