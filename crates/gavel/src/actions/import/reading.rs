//! A file that arrives in pieces, given on in batches of rows.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::rows::{Broken, Format, LONGEST, Row, Rows, Shape};

/// Bytes after which a batch is full as well: rows may be long.
const BATCH_BYTES: usize = 4 << 20;
/// How long the sender may send nothing.
const SILENCE: Duration = Duration::from_secs(60);

/// The file and what of it is read.
pub(in crate::actions) struct Reading<S, T: 'static> {
    file: S,
    /// None: the end was reached.
    rows: Option<Rows<T>>,
    ready: Vec<Row<T>>,
    most: usize,
    /// It ended early: the client went away.
    pub(in crate::actions) cut: bool,
}

impl<S: Stream<Item = Result<Bytes, E>> + Unpin, E, T> Reading<S, T> {
    /// Nothing read yet. `most`: rows of a batch.
    pub(in crate::actions) fn of(file: S, format: Format, shape: &'static Shape<T>, most: usize) -> Self {
        Self { file, rows: Some(Rows::new(format, shape)), ready: Vec::new(), most, cut: false }
    }

    /// The next rows; none at the end.
    pub(in crate::actions) async fn next_batch(&mut self) -> Result<Vec<Row<T>>, Broken> {
        let mut taken = 0;
        while self.ready.len() < self.most && (taken < BATCH_BYTES || self.ready.is_empty()) {
            let Some(rows) = &mut self.rows else { break };
            match tokio::time::timeout(SILENCE, self.file.next()).await {
                // In pieces, so that a huge frame never becomes a huge number of rows at once.
                Ok(Some(Ok(bytes))) => {
                    taken += bytes.len();
                    for piece in bytes.chunks(LONGEST) {
                        rows.push(piece, &mut self.ready)?;
                    }
                }
                Ok(None) => {
                    if let Some(rows) = self.rows.take() {
                        rows.finish(&mut self.ready)?;
                    }
                }
                // Of a row cut in two nobody knows what it would have been.
                Ok(Some(Err(_))) | Err(_) => {
                    self.rows = None;
                    self.cut = true;
                }
            }
        }
        let rest = self.ready.split_off(self.ready.len().min(self.most));
        Ok(std::mem::replace(&mut self.ready, rest))
    }
}
