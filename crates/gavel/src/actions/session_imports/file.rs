//! The file of an import: from the form, or fetched through the outbound guard.

use std::time::Duration;

use bytes::Bytes;
use gavel_core::json::FieldErrors;

use super::body::{Source, Upload};
use crate::{
    actions::{Error, import::rows::Format},
    app::App,
};

/// Largest file in bytes.
pub const LARGEST: usize = 25 << 20;
/// Longest name that is kept, in characters.
const NAME: usize = 255;
/// How long a file behind a link may take.
const FETCH: Duration = Duration::from_secs(60);

/// The file and how it is written.
pub(super) async fn settle(app: &App, source: Source, format: Option<Format>) -> Result<(Format, Upload), Error> {
    let (name, link) = match &source {
        Source::Upload(file) => (last_segment(&file.name), None),
        Source::Url(url) => {
            let refused = |text| Error::Invalid(FieldErrors::one("source_file_url", text));
            let url = app.outbound.check(url).map_err(|not_a_target| refused(not_a_target.text()))?;
            (last_segment(url.path()), Some(url))
        }
    };
    let format = format.or_else(|| by_name(&name)).ok_or_else(|| bad_file("Only CSV and NDJSON files are supported."))?;
    let content = match (source, link) {
        (Source::Upload(file), _) => file.content,
        (Source::Url(_), Some(url)) => fetch(app, url).await?,
        (Source::Url(_), None) => return Err(Error::fault("a link without its address")),
    };
    if content.len() > LARGEST {
        return Err(too_large());
    }
    Ok((format, Upload { name, content }))
}

fn bad_file(text: &'static str) -> Error {
    Error::field("file", text)
}

fn too_large() -> Error {
    bad_file("Import file exceeds the maximum allowed size.")
}

/// Some browsers send a whole path, and not all paths are those of this system.
fn last_segment(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(NAME).collect()
}

fn by_name(name: &str) -> Option<Format> {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase())?;
    match ending.as_str() {
        "csv" => Some(Format::Csv),
        "ndjson" | "jsonl" => Some(Format::Ndjson),
        _ => None,
    }
}

async fn fetch(app: &App, url: url::Url) -> Result<Bytes, Error> {
    let refused = |text| Error::Invalid(FieldErrors::one("source_file_url", text));
    let failed = |_| refused("The file could not be fetched.");
    let get = async {
        let mut response = app.outbound.client().get(url).send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(refused("The file could not be fetched."));
        }
        let mut content = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if content.len() + chunk.len() > LARGEST {
                return Err(too_large());
            }
            content.extend_from_slice(&chunk);
        }
        Ok(Bytes::from(content))
    };
    tokio::time::timeout(FETCH, get).await.map_err(|_| refused("The file took longer than 60 seconds."))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_end_of_a_path_and_says_the_format() {
        for (path, name, format) in [
            ("people.csv", "people.csv", Some(Format::Csv)),
            ("C:\\exports\\people.NDJSON", "people.NDJSON", Some(Format::Ndjson)),
            ("/a/b.d/people.jsonl", "people.jsonl", Some(Format::Ndjson)),
            ("people.xlsx", "people.xlsx", None),
            ("csv", "csv", None),
            ("", "", None),
        ] {
            assert_eq!((last_segment(path).as_str(), by_name(&last_segment(path))), (name, format), "{path}");
        }
        assert_eq!(last_segment(&"x".repeat(300)).len(), NAME);
    }
}
