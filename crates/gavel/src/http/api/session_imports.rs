//! Files of other systems.

use axum::{
    extract::{FromRequest, Multipart, Request, State},
    response::{IntoResponse, Response},
};
use gavel_core::{
    ids::SessionImportId,
    json::{FieldErrors, Value},
};
use http::header;
use serde_json::{Map, Value as Json};

use crate::{
    actions::{
        Caller,
        session_imports::{self, ImportType, JobView, NewImport, RowErrorView, Upload},
    },
    app::App,
    http::{
        error::{ApiError, ApiResult},
        extract::{Ids, Query, Reply, content_type, parse_json, read_bytes},
        page::{Page, Paging},
        routes::JSON_LIMIT,
    },
};

/// An import, as a form with a file or as JSON with a link.
pub struct ImportBody(Result<NewImport, FieldErrors>);

impl<S: Sync + Send> FromRequest<S> for ImportBody {
    type Rejection = ApiError;
    async fn from_request(request: Request, state: &S) -> ApiResult<Self> {
        let form = content_type(request.headers()) == "multipart/form-data";
        let (parts, body) = request.into_parts();
        let content = read_bytes(Request::from_parts(parts.clone(), body)).await?;
        if !form {
            if content.len() > JSON_LIMIT {
                return Err(ApiError::TooLarge); // Only a form brings a file.
            }
            let sent = parse_json(&parts.headers, &parts.extensions, &content)?;
            return Ok(Self(NewImport::read(&sent, None)));
        }
        let no_form = |_| ApiError::Syntax("the form cannot be read".into());
        let mut fields = Multipart::from_request(Request::from_parts(parts, content.into()), state)
            .await
            .map_err(|_| ApiError::Syntax("the form has no boundary".into()))?;
        let (mut sent, mut file) = (Map::new(), None);
        while let Some(field) = fields.next_field().await.map_err(no_form)? {
            let name = field.name().unwrap_or_default().to_owned();
            if name == "file" {
                let called = field.file_name().unwrap_or_default().to_owned();
                file = Some(Upload { name: called, content: field.bytes().await.map_err(no_form)? });
            } else {
                let text = field.text().await.map_err(no_form)?;
                if !text.is_empty() {
                    sent.insert(name, Json::String(text)); // A form has no other way to leave a field out.
                }
            }
        }
        Ok(Self(NewImport::read(&Value::from(&Json::Object(sent)), file)))
    }
}

/// Takes a file.
pub async fn create(State(app): State<App>, caller: Caller, ImportBody(body): ImportBody) -> ApiResult<Reply<JobView>> {
    Ok(Reply(session_imports::create(&app, &caller, body).await?))
}

/// How far an import has come.
pub async fn show(State(app): State<App>, caller: Caller, Ids(id): Ids<SessionImportId>) -> ApiResult<Reply<JobView>> {
    Ok(Reply(session_imports::show(&app, &caller, id).await?))
}

/// A page of the rows that were refused, with their reasons.
pub async fn errors(
    State(app): State<App>,
    caller: Caller,
    Ids(id): Ids<SessionImportId>,
    paging: Paging,
) -> ApiResult<Reply<Page<RowErrorView>>> {
    let (rows, total) = session_imports::errors(&app, &caller, id, paging.window(50)).await?;
    Ok(Reply(paging.page(50, rows, total)))
}

/// The first line of a CSV file.
pub async fn template(query: Query) -> ApiResult<Response> {
    let import_type = query.choice("import_type", ImportType::from_name)?.unwrap_or(ImportType::Users);
    let name = format!("attachment; filename=\"{}.csv\"", import_type.as_str());
    let headers = [(header::CONTENT_TYPE, "text/csv".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, session_imports::template(import_type)).into_response())
}
