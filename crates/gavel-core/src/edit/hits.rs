//! Verdicts of people on the hits of a screening (sessions §13).

use serde_json::{Map, Value};

use crate::{
    evidence::{ELEMENT_LIMIT, HIT_STATUSES},
    json::{FieldError, FieldErrors, Fields, Value as Sent, read},
};

/// Longest id of a hit, in characters: as long as evidence may bring it.
const ID_LIMIT: usize = 10_000;

/// A verdict on one hit, as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HitReview {
    /// `id` of the hit.
    pub hit: String,
    /// The verdict.
    pub status: &'static str,
}

impl HitReview {
    fn read(sent: &Sent<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let hit = fields.required("hit_id", read::filled(read::text(ID_LIMIT)));
        let status = fields.required("review_status", read::choice(HIT_STATUSES));
        fields.finish(|| Some(Self { hit: hit?, status: status? }))
    }
}

/// Reads the body of a verdict on one hit.
pub fn read_hit_review(body: &Sent<'_>) -> Result<Vec<HitReview>, FieldErrors> {
    HitReview::read(body).map(|review| vec![review])
}

/// Reads the body of several verdicts.
pub fn read_hit_reviews(body: &Sent<'_>) -> Result<Vec<HitReview>, FieldErrors> {
    let mut fields = Fields::of(body)?;
    let reviews = fields.required("hit_updates", |sent| match read::array(sent)? {
        [] => Err(FieldError::text("hit_updates cannot be empty")),
        updates if updates.len() > ELEMENT_LIMIT => Err(FieldError::too_many_elements(ELEMENT_LIMIT)),
        _ => read::list_of_objects(HitReview::read)(sent),
    });
    fields.finish(|| reviews)
}

/// The hits that were judged, before and after, each once, in the order of the verdicts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReviewedHits {
    /// `{"hit_id","review_status"}` of each before.
    pub previous: Vec<Value>,
    /// The same now.
    pub new: Vec<Value>,
}

impl ReviewedHits {
    /// Puts all verdicts into the data of a screening, or none: then the error names the hits it does not have. Of several
    /// verdicts on one hit the last counts.
    pub fn apply(data: &mut Map<String, Value>, reviews: &[HitReview]) -> Result<Self, Vec<String>> {
        let mut last: Vec<&HitReview> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for review in reviews {
            match places.entry(review.hit.as_str()) {
                std::collections::hash_map::Entry::Occupied(place) => last[*place.get()] = review,
                std::collections::hash_map::Entry::Vacant(place) => {
                    place.insert(last.len());
                    last.push(review);
                }
            }
        }
        let mut hits = data.get_mut("hits").and_then(Value::as_array_mut);
        let mut found: Vec<Option<Value>> = vec![None; last.len()];
        for hit in hits.iter_mut().flat_map(|hits| hits.iter_mut()) {
            let Some(place) = hit.get("id").and_then(Value::as_str).and_then(|id| places.get(id)) else { continue };
            let was = hit.get("review_status").cloned().unwrap_or_default();
            found[*place].get_or_insert(was);
        }
        let missing: Vec<String> =
            last.iter().zip(&found).filter(|(_, was)| was.is_none()).map(|(review, _)| review.hit.clone()).collect();
        if !missing.is_empty() {
            return Err(missing);
        }
        for hit in hits.iter_mut().flat_map(|hits| hits.iter_mut()) {
            let place = hit.get("id").and_then(Value::as_str).and_then(|id| places.get(id)).copied();
            if let (Some(place), Value::Object(members)) = (place, hit) {
                members.insert("review_status".to_owned(), last[place].status.into());
            }
        }
        let row = |hit: &str, status: Value| serde_json::json!({ "hit_id": hit, "review_status": status });
        Ok(Self {
            previous: last.iter().zip(found).map(|(review, was)| row(&review.hit, was.unwrap_or_default())).collect(),
            new: last.iter().map(|review| row(&review.hit, review.status.into())).collect(),
        })
    }
}
