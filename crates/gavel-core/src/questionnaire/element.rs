//! One element of a form: a question, or what stands between questions.
//!
//! Texts that people see come per language (`{"en": "…", "fr": "…"}`), with the codes of [`language`]. What a question
//! checks of its answer (`validation`) is kept as it was sent; the page that asks applies it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::{
    json::{FieldError, FieldErrors, Fields, Value, read},
    session::language,
};

/// Longest id of an element and longest value of an option, in characters.
pub(super) const ID: usize = 255;
/// Longest label, in characters.
pub(super) const LABEL: usize = 1_000;
/// Longest description, placeholder or message, in characters.
pub(super) const TEXT: usize = 10_000;
/// Longest pattern, in characters.
pub(super) const PATTERN: usize = 1_000;
/// Most options of a question.
pub(super) const OPTIONS: usize = 300;

/// What an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum ElementType {
    ShortText,
    LongText,
    Dropdown,
    SingleChoice,
    MultipleChoice,
    Number,
    Image,
    FileUpload,
    Time,
    Email,
    Address,
    Phone,
    Country,
    DatePicker,
    Consent,
    SectionHeader,
    Separator,
    Heading,
    Paragraph,
}

/// Every type: as it is sent, and as it is shown. Both spellings are read.
const NAMES: [(ElementType, &str, &str); 19] = [
    (ElementType::ShortText, "short_text", "SHORT_TEXT"),
    (ElementType::LongText, "long_text", "LONG_TEXT"),
    (ElementType::Dropdown, "dropdown", "DROPDOWN"),
    (ElementType::SingleChoice, "single_choice", "SINGLE_CHOICE"),
    (ElementType::MultipleChoice, "multiple_choice", "MULTIPLE_CHOICE"),
    (ElementType::Number, "number", "NUMBER"),
    (ElementType::Image, "image", "IMAGE"),
    (ElementType::FileUpload, "file_upload", "FILE_UPLOAD"),
    (ElementType::Time, "time", "TIME"),
    (ElementType::Email, "email", "EMAIL"),
    (ElementType::Address, "address", "ADDRESS"),
    (ElementType::Phone, "phone", "PHONE"),
    (ElementType::Country, "country", "COUNTRY"),
    (ElementType::DatePicker, "date_picker", "DATE_PICKER"),
    (ElementType::Consent, "consent", "CONSENT"),
    (ElementType::SectionHeader, "section_header", "SECTION_HEADER"),
    (ElementType::Separator, "separator", "SEPARATOR"),
    (ElementType::Heading, "heading", "HEADING"),
    (ElementType::Paragraph, "paragraph", "PARAGRAPH"),
];

impl ElementType {
    /// The type of this name, in lower or in upper case.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, sent, shown)| name == *sent || name == *shown).map(|(kind, ..)| *kind)
    }

    /// Its name in answers.
    pub fn shown(self) -> &'static str {
        NAMES.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, _, shown)| shown)
    }

    /// Whether it asks something.
    pub const fn asks(self) -> bool {
        !matches!(self, Self::SectionHeader | Self::Separator | Self::Heading | Self::Paragraph)
    }

    /// Whether one chooses from its options.
    const fn offers_options(self) -> bool {
        matches!(self, Self::Dropdown | Self::SingleChoice | Self::MultipleChoice)
    }
}

/// A text in some languages.
type Texts = Map<String, Json>;

/// An element.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Element {
    pub(super) id: String,
    pub(super) element_type: ElementType,
    label: Texts,
    description: Option<Texts>,
    placeholder: Option<Texts>,
    is_required: bool,
    options: Vec<Choice>,
    max_files: i64,
    validation: Option<Map<String, Json>>,
}

/// What can be chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Choice {
    value: String,
    label: Texts,
}

impl Element {
    /// As answers show it.
    pub(super) fn node(&self, next: Option<&String>) -> Json {
        json!({
            "element_type": self.element_type.shown(),
            "is_required": self.is_required,
            "title": self.label,
            "description": self.description,
            "placeholder": self.placeholder,
            "choices": self.options,
            "max_files": self.max_files,
            "next": next,
        })
    }
}

/// An element as sent: it may be without an id.
pub(super) struct SentElement {
    pub(super) id: Option<String>,
    element: Element,
}

impl SentElement {
    pub(super) fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let id = fields.optional("id", read::filled(read::text(ID)));
        let element_type = fields.required("element_type", read::choice_of(ElementType::from_name));
        let label = fields.required("label", label);
        let description = fields.optional("description", texts(TEXT));
        let placeholder = fields.optional("placeholder", texts(TEXT));
        let is_required = fields.optional("is_required", read::boolean);
        let options = match element_type {
            Some(kind) if kind.offers_options() => fields.required("options", read::not_empty(options)).map(Some),
            _ => fields.optional("options", options),
        };
        let max_files = fields.optional("max_files", read::integer(1, 5));
        let validation = fields.optional("validation", read::nested(read_validation));
        fields.finish(|| {
            let element = Element {
                id: String::new(),
                element_type: element_type?,
                label: label?,
                description: description?,
                placeholder: placeholder?,
                is_required: is_required?.unwrap_or(false),
                options: options?.unwrap_or_default(),
                max_files: max_files?.unwrap_or(1),
                validation: validation?,
            };
            Some(Self { id: id?, element })
        })
    }

    pub(super) fn named(self, id: String) -> Element {
        Element { id, ..self.element }
    }
}

/// A text in at least one language, empty in none.
fn label(sent: &Value<'_>) -> Result<Texts, FieldError> {
    if read::object(sent)?.is_empty() {
        return Err(FieldError::blank());
    }
    texts_of(read::filled(read::text(LABEL)))(sent)
}

/// A text of at most so many characters, in any languages.
fn texts(max: usize) -> impl Fn(&Value<'_>) -> Result<Texts, FieldError> {
    texts_of(read::text(max))
}

fn texts_of(read_text: impl Fn(&Value<'_>) -> Result<String, FieldError>) -> impl Fn(&Value<'_>) -> Result<Texts, FieldError> {
    move |sent| {
        let (mut texts, mut errors) = (Texts::new(), FieldErrors::default());
        for (code, sent) in read::object(sent)?.iter() {
            let text = match language(code) {
                Some(_) if *sent == Value::Null => Err(FieldError::null()),
                Some(_) => read_text(sent),
                None => Err(FieldError::text(format!("\"{code}\" is not a valid choice."))),
            };
            match text {
                Ok(text) => drop(texts.insert(code.to_owned(), text.into())),
                Err(error) => errors.add(code.to_owned(), error),
            }
        }
        if errors.is_empty() { Ok(texts) } else { Err(FieldError::Nested(errors)) }
    }
}

/// The options of a question; one without a value gets `option_<n>`.
fn options(sent: &Value<'_>) -> Result<Vec<Choice>, FieldError> {
    if read::array(sent)?.len() > OPTIONS {
        return Err(FieldError::too_many_elements(OPTIONS));
    }
    let options = read::list_of_objects(|sent| {
        let mut fields = Fields::of(sent)?;
        let value = fields.optional("value", read::filled(read::text(ID)));
        let label = fields.required("label", label);
        fields.finish(|| Some((value?, label?)))
    })(sent)?;
    let named = |((value, label), number): ((Option<String>, Texts), usize)| Choice {
        value: value.unwrap_or_else(|| format!("option_{number}")),
        label,
    };
    Ok(options.into_iter().zip(1..).map(named).collect())
}

/// What an answer must be like: the known members, checked one by one.
fn read_validation(sent: &Value<'_>) -> Result<Map<String, Json>, FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let pattern = fields.optional("pattern", read::text(PATTERN));
    let lengths = ["min_length", "max_length"].map(|name| fields.optional(name, read::integer(0, i64::MAX)));
    let borders = ["min", "max"].map(|name| fields.optional(name, border));
    let message = fields.optional("error_message", texts(TEXT));
    fields.finish(|| {
        let ([min_length, max_length], [min, max]) = (lengths, borders);
        let members = [
            ("pattern", pattern?.map(Json::from)),
            ("min_length", min_length?.map(Json::from)),
            ("max_length", max_length?.map(Json::from)),
            ("min", min?),
            ("max", max?),
            ("error_message", message?.map(Json::from)),
        ];
        Some(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    })
}

/// A number, with the digits it was sent with.
fn border(sent: &Value<'_>) -> Result<Json, FieldError> {
    read::number(sent)?;
    match sent {
        Value::Text(text) => text.parse().map(Json::Number).map_err(|_| FieldError::not_a_number()),
        other => Ok(other.into()),
    }
}
