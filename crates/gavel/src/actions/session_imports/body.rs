//! An import as sent: the fields of a form or of a JSON body, and the file of a form.

use bytes::Bytes;
use gavel_core::json::{FieldError, FieldErrors, Fields, Value, read};
use uuid::Uuid;

use super::ImportType;
use crate::actions::import::rows::Format;

/// A file as it came with a form.
#[derive(Debug)]
pub struct Upload {
    /// What its sender calls it.
    pub name: String,
    /// What is in it.
    pub content: Bytes,
}

/// Where the file is.
#[derive(Debug)]
pub(super) enum Source {
    Upload(Upload),
    Url(String),
}

/// An import as sent.
#[derive(Debug)]
pub struct NewImport {
    pub(super) import_type: ImportType,
    /// A workflow or a version of one.
    pub(super) workflow: Option<Uuid>,
    /// `None`: the name of the file says it.
    pub(super) format: Option<Format>,
    pub(super) source: Source,
}

impl NewImport {
    /// Reads the fields beside the file.
    pub fn read(sent: &Value<'_>, file: Option<Upload>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let import_type = fields.optional("import_type", read::choice_of(ImportType::from_name));
        let import_type = import_type.map(|sent| sent.unwrap_or(ImportType::Users));
        let workflow = fields.optional("workflow_id", read::uuid);
        if workflow == Some(None) && import_type.is_some_and(ImportType::needs_workflow) {
            fields.add_error("workflow_id", FieldError::text("This field is required for this import type."));
        }
        let format = fields.optional("source_format", read::choice_of(Format::from_name));
        let url = fields.optional("source_file_url", read::url(read::URL_LIMIT));
        let source = match (file, url) {
            (Some(_), Some(Some(_))) => {
                fields.add_error("file", FieldError::text("Use either file or source_file_url, not both."));
                None
            }
            (None, Some(None)) => {
                fields.add_error("file", FieldError::text("Upload a file or provide source_file_url."));
                None
            }
            (Some(file), _) => Some(Source::Upload(file)),
            (None, Some(Some(url))) => Some(Source::Url(url)),
            (None, None) => None,
        };
        fields.finish(|| Some(Self { import_type: import_type?, workflow: workflow?, format: format?, source: source? }))
    }
}
