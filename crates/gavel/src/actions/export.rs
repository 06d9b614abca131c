//! A list's entries as a file (`/x/`): read a chunk at a time at one state of the lists, so that any size is one
//! consistent picture.

use gavel_core::{ids::ListId, time::Timestamp};
use serde_json::json;

use super::{
    Caller, Error, as_of,
    import::rows::{Format, guarded},
};
use crate::{
    app::App,
    store::{
        entries::{Entry, Place},
        entry_versions, lists,
        revisions::Moment,
    },
};

/// Entries read at a time.
const CHUNK: u64 = 1_000;

/// An export on its way.
pub struct Export {
    app: App,
    list: ListId,
    moment: Moment,
    format: Format,
    /// Where the next chunk begins; `None`: there is none.
    from: Option<Place>,
    /// The names of the columns are still to come.
    headed: bool,
}

/// Columns of a CSV export: what an import takes, then what it passes over.
const COLUMNS: [&str; 9] =
    ["value", "display_label", "comment", "metadata", "expires_at", "reference_object_uuid", "uuid", "added_by", "created_at"];

/// Starts an export of the entries that are live, or were live at an earlier state.
pub async fn start(app: &App, caller: &Caller, list: ListId, format: Format, as_of: Option<String>) -> Result<Export, Error> {
    let (caller_, now) = (caller.clone(), app.clock.now());
    let moment = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                lists::find_list(tx, caller_.application, list, now).await?.ok_or(Error::NOT_FOUND)?;
                let moment = as_of::resolve_param(tx, caller_.application, ("as_of", as_of.as_deref()), now).await?;
                caller_.audit(tx, "entries.exported", &[("list", list.0)], now).await?;
                Ok(moment)
            })
        })
        .await?;
    let headed = format == Format::Csv;
    Ok(Export { app: app.clone(), list, moment, format, from: Some(Place::after_revision(0)), headed })
}

impl Export {
    /// The next part of the file; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let Some(from) = self.from.take() else { return Ok(None) };
        let (list, moment) = (self.list, self.moment);
        let rows = self
            .app
            .store
            .read::<_, Error, _>(move |tx| {
                Box::pin(async move { Ok(entry_versions::list_from(tx, list, moment, from, CHUNK).await?) })
            })
            .await?;
        if rows.len() as u64 == CHUNK {
            self.from = rows.last().map(|entry| Place::after(entry.revision, entry.id));
        }
        match self.format {
            Format::Ndjson => Ok(Some(rows.iter().map(line).collect::<String>().into_bytes())),
            Format::Csv => self.csv(&rows).map(Some),
        }
    }

    fn csv(&mut self, rows: &[Entry]) -> Result<Vec<u8>, Error> {
        let mut file = csv::Writer::from_writer(Vec::new());
        if std::mem::take(&mut self.headed) {
            file.write_record(COLUMNS).map_err(Error::fault)?;
        }
        for entry in rows {
            let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
            let cells = [
                entry.value.clone(),
                entry.display_label.clone(),
                entry.comment.clone(),
                entry.metadata.as_ref().map(|json| json.get().to_owned()).unwrap_or_default(),
                time(entry.expires_at),
                entry.reference_object.map(|id| id.to_string()).unwrap_or_default(),
                entry.id.to_string(),
                entry.added_by.clone(),
                time(Some(entry.created_at)),
            ];
            file.write_record(cells.iter().map(|cell| guarded(cell).into_owned())).map_err(Error::fault)?;
        }
        file.into_inner().map_err(|error| Error::fault(error.error()))
    }
}

fn line(entry: &Entry) -> String {
    let mut text = json!({
        "value": entry.value,
        "display_label": entry.display_label,
        "comment": entry.comment,
        "metadata": entry.metadata,
        "expires_at": entry.expires_at,
        "reference_object_uuid": entry.reference_object,
        "uuid": entry.id,
        "added_by": entry.added_by,
        "created_at": entry.created_at,
    })
    .to_string();
    text.push('\n');
    text
}
