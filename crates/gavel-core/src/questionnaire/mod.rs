//! Questionnaires: what a person is asked, in order (contract, entities §6).
//!
//! [`Form::read`] takes the `form_elements` of a body: at most [`ELEMENTS`] of them, each with a type, a label in at least
//! one language, and what its type needs ([`element`]). Every element has an id that stands once in the form; one that is
//! sent without gets the next free `question_<n>`. [`Form::graph`] shows the same form as answers show it: nodes, each of
//! which leads to the next.
//!
//! What is not decided here: versions and drafts, and what somebody answers.

mod element;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::{
    json::{FieldError, FieldErrors, Value, read},
    session::language,
};
pub use element::ElementType;
use element::{Element, SentElement};

/// Most elements of a form.
pub const ELEMENTS: usize = 200;

/// The language every questionnaire speaks.
pub const ENGLISH: &str = "en";

/// The elements of a questionnaire, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Form(Vec<Element>);

impl Form {
    /// Reads `form_elements`.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldError> {
        let items = read::array(sent)?;
        if items.len() > ELEMENTS {
            return Err(FieldError::too_many_elements(ELEMENTS));
        }
        let sent = read::not_empty(read::list_of_objects(SentElement::read))(sent)?;
        with_ids(sent).map(Self)
    }

    /// The form as nodes, each of which leads to the next; the last leads nowhere.
    pub fn graph(&self) -> Json {
        let ids = || self.0.iter().map(|element| &element.id);
        let nexts = ids().skip(1).map(Some).chain([None]);
        let nodes: Map<String, Json> =
            self.0.iter().zip(nexts).map(|(element, next)| (element.id.clone(), element.node(next))).collect();
        json!({ "start_node": ids().next(), "nodes": nodes })
    }

    /// The types of its questions, each once, as they first appear. Headings and separators ask nothing.
    pub fn question_types(&self) -> Vec<&'static str> {
        let mut types = Vec::new();
        for kind in self.0.iter().map(|element| element.element_type).filter(|kind| kind.asks()) {
            if !types.contains(&kind.shown()) {
                types.push(kind.shown());
            }
        }
        types
    }
}

/// Gives an id to every element that came without one, and refuses ids that stand twice.
fn with_ids(sent: Vec<SentElement>) -> Result<Vec<Element>, FieldError> {
    let mut taken: Vec<String> = Vec::with_capacity(sent.len());
    let mut errors = Vec::with_capacity(sent.len());
    for id in sent.iter().map(|element| &element.id) {
        errors.push(match id {
            Some(id) if taken.contains(id) => FieldErrors::one("id", "This id is used more than once."),
            _ => FieldErrors::default(),
        });
        taken.extend(id.clone());
    }
    if errors.iter().any(|errors| !errors.is_empty()) {
        return Err(FieldError::Items(errors));
    }
    let mut elements = Vec::with_capacity(sent.len());
    for (element, place) in sent.into_iter().zip(1_usize..) {
        let id = match &element.id {
            Some(id) => id.clone(),
            None => (place..).map(|number| format!("question_{number}")).find(|id| !taken.contains(id)).unwrap_or_default(),
        };
        taken.push(id.clone());
        elements.push(element.named(id));
    }
    Ok(elements)
}

/// Reads the `languages` of a body: codes, each kept once, English among them.
pub fn read_languages(sent: &Value<'_>) -> Result<Vec<&'static str>, FieldError> {
    let mut languages = Vec::new();
    for code in read::list_of(read_language)(sent)? {
        if !languages.contains(&code) {
            languages.push(code);
        }
    }
    match languages.contains(&ENGLISH) {
        true => Ok(languages),
        false => Err(FieldError::text("English ('en') must be included.")),
    }
}

/// Reads the code of a language.
pub fn read_language(sent: &Value<'_>) -> Result<&'static str, FieldError> {
    read::choice_of(language)(sent)
}

#[cfg(test)]
mod tests;
