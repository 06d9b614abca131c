//! Pages of rows (contract, conventions §8).

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::Serialize;
use url::form_urlencoded;

use super::{
    error::{ApiError, ApiResult},
    gate::Entered,
};
use crate::app::App;

/// Largest page.
const MOST: u64 = 200;

/// Which page was asked for, and what its neighbours' addresses are made of.
pub struct Paging {
    base: String,
    others: Vec<(String, String)>,
    limit: Option<u64>,
    offset: u64,
}

impl FromRequestParts<App> for Paging {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Self> {
        // As sent, so that the pages of an alias are found under the alias.
        let path = parts.extensions.get::<Entered>().map_or(parts.uri.path(), |entered| &entered.path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned();
        let (paging, others): (Vec<_>, Vec<_>) = pairs.partition(|(name, _)| name == "limit" || name == "offset");
        let last = |name: &str| paging.iter().rev().find(|(n, _)| n == name).and_then(|(_, value)| number(value));
        Ok(Self {
            base: format!("{}{path}/", app.config.public_url),
            others,
            limit: last("limit").filter(|limit| *limit > 0).map(|limit| limit.min(MOST)),
            // Beyond what a database takes as an offset there is nothing either.
            offset: last("offset").unwrap_or(0).min(i64::MAX as u64),
        })
    }
}

/// Digits as a number; more of them than fit are the largest there is.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// One page of an answer.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    count: u64,
    next: Option<String>,
    previous: Option<String>,
    results: Vec<T>,
}

impl Paging {
    /// Limit and offset, with the endpoint's own default.
    pub fn window(&self, default_limit: u64) -> (u64, u64) {
        (self.limit.unwrap_or(default_limit), self.offset)
    }

    /// The envelope around one page of rows.
    pub fn page<T>(&self, default_limit: u64, results: Vec<T>, count: u64) -> Page<T> {
        let more = self.offset.saturating_add(self.window(default_limit).0) < count;
        self.page_where(default_limit, results, count, more)
    }

    /// The same, where the caller knows better than the count whether there is a next page.
    pub fn page_where<T>(&self, default_limit: u64, results: Vec<T>, count: u64, more: bool) -> Page<T> {
        let (limit, offset) = self.window(default_limit);
        let next = more.then(|| self.address(limit, Some(offset.saturating_add(limit))));
        let previous = (offset > 0).then(|| self.address(limit, offset.checked_sub(limit).filter(|offset| *offset > 0)));
        Page { count, next, previous, results }
    }

    /// A page of rows that are few enough to be read at once.
    pub fn page_of<T>(&self, default_limit: u64, all: Vec<T>) -> Page<T> {
        let (count, (limit, offset)) = (all.len() as u64, self.window(default_limit));
        let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let results = all.into_iter().skip(place(offset)).take(place(limit)).collect();
        self.page(default_limit, results, count)
    }

    /// The address of a page that begins at a cursor instead of an offset.
    pub fn from_cursor(&self, cursor: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.others.iter().filter(|(name, _)| name != "cursor")).append_pair("cursor", cursor);
        format!("{}?{}", self.base, query.finish())
    }

    fn address(&self, limit: u64, offset: Option<u64>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.others).append_pair("limit", &limit.to_string());
        if let Some(offset) = offset {
            query.append_pair("offset", &offset.to_string());
        }
        format!("{}?{}", self.base, query.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(limit: Option<u64>, offset: u64) -> Paging {
        Paging { base: "https://h/v3/lists/".into(), others: vec![("list_type".into(), "a b".into())], limit, offset }
    }

    #[test]
    fn neighbours_keep_the_other_parameters() {
        let page = paging(Some(10), 10).page(25, vec![(); 10], 30);
        assert_eq!(page.next.as_deref(), Some("https://h/v3/lists/?list_type=a+b&limit=10&offset=20"));
        assert_eq!(page.previous.as_deref(), Some("https://h/v3/lists/?list_type=a+b&limit=10"));
        let last = paging(Some(10), 25).page(25, vec![(); 5], 30);
        assert_eq!((last.next, last.previous.as_deref()), (None, Some("https://h/v3/lists/?list_type=a+b&limit=10&offset=15")));
        let only = paging(None, 0).page(25, vec![(); 5], 5);
        assert_eq!((only.next, only.previous), (None, None));
    }
}
