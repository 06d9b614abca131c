//! A questionnaire as sent.

use gavel_core::{
    json::{FieldError, FieldErrors, Fields, Sent, Value, read},
    questionnaire::{ENGLISH, Form, read_language, read_languages},
    time::Timestamp,
};

use super::NewIds;
use crate::{actions::Error, store::questionnaires::Questionnaire};

/// Longest title, in characters.
const TITLE: usize = 255;
/// Longest description, in characters.
const DESCRIPTION: usize = 10_000;

/// What a body says about a version; everything may be left out.
pub struct QuestionnaireChange {
    title: Option<String>,
    description: Sent<String>,
    languages: Option<Vec<&'static str>>,
    default_language: Option<&'static str>,
    is_active: Option<bool>,
    /// `published` or `draft`.
    pub(super) publish: Option<bool>,
    form: Option<Form>,
}

/// A new questionnaire: what must be there, and the rest.
pub struct NewQuestionnaire {
    title: String,
    languages: Vec<&'static str>,
    form: Form,
    change: QuestionnaireChange,
}

impl QuestionnaireChange {
    /// Reads the body of a change.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = fields_of(sent)?;
        let title = fields.optional("title", read_title);
        let languages = fields.optional("languages", read_languages);
        let form = fields.optional("form_elements", Form::read);
        let change = read_rest(&mut fields, languages.as_ref().and_then(Option::as_deref));
        fields.finish(|| Some(Self { title: title?, languages: languages?, form: form?, ..change? }))
    }

    /// What a version holds after the change; whether it is published is the caller's to say.
    pub(super) fn over(self, standing: Questionnaire) -> Result<Questionnaire, Error> {
        let owned = |codes: Vec<&str>| codes.into_iter().map(str::to_owned).collect();
        let languages: Vec<String> = self.languages.map_or(standing.languages, owned);
        let default_language = self.default_language.map_or(standing.default_language, str::to_owned);
        if !languages.contains(&default_language) {
            return Err(Error::Invalid(FieldErrors::default().with("default_language", not_a_language(&default_language))));
        }
        Ok(Questionnaire {
            title: self.title.unwrap_or(standing.title),
            description: self.description.over(standing.description),
            languages,
            default_language,
            is_active: self.is_active.unwrap_or(standing.is_active),
            form: self.form.unwrap_or(standing.form),
            ..standing
        })
    }
}

impl NewQuestionnaire {
    /// Reads the body of a new questionnaire.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = fields_of(sent)?;
        let title = fields.required("title", read_title);
        let languages = fields.required("languages", read_languages);
        let form = fields.required("form_elements", Form::read);
        let change = read_rest(&mut fields, languages.as_deref());
        fields.finish(|| Some(Self { title: title?, languages: languages?, form: form?, change: change? }))
    }

    /// The first version of the questionnaire.
    pub(super) fn questionnaire(self, (group, id): NewIds, now: Timestamp) -> Questionnaire {
        let is_published = self.change.publish != Some(false);
        Questionnaire {
            id,
            group,
            version: 1,
            is_published,
            title: self.title,
            description: self.change.description.over(None),
            languages: self.languages.into_iter().map(str::to_owned).collect(),
            default_language: self.change.default_language.unwrap_or(ENGLISH).to_owned(),
            is_active: self.change.is_active.unwrap_or(true),
            form: self.form,
            published_at: is_published.then_some(now),
            created_at: now,
            updated_at: now,
        }
    }
}

/// The fields of a body. A `graph` is answered alone: who sends one has nothing of what is asked for here.
fn fields_of<'v, 'a>(sent: &'v Value<'a>) -> Result<Fields<'v, 'a>, FieldErrors> {
    let fields = Fields::of(sent)?;
    match fields.sent("graph") {
        None | Some(Value::Null) => Ok(fields),
        Some(_) => {
            let text = "The v3 questionnaire API only accepts simple `form_elements`, not `graph`.";
            Err(FieldErrors::plain("graph", text))
        }
    }
}

fn read_title(sent: &Value<'_>) -> Result<String, FieldError> {
    read::filled(read::trimmed_text(TITLE))(sent)
}

/// Everything a new questionnaire may be without. `languages`: those of the body.
fn read_rest(fields: &mut Fields<'_, '_>, languages: Option<&[&'static str]>) -> Option<QuestionnaireChange> {
    let description = fields.nullable("description", read::text(DESCRIPTION));
    let default_language = fields.optional("default_language", |sent| {
        let code = read_language(sent)?;
        if languages.is_none_or(|known| known.contains(&code)) { Ok(code) } else { Err(not_a_language(code)) }
    });
    let is_active = fields.optional("is_active", read::boolean);
    let status = fields.optional("status", read::choice(&["draft", "published"]));
    Some(QuestionnaireChange {
        title: None,
        description: description?,
        languages: None,
        default_language: default_language?,
        is_active: is_active?,
        publish: status?.map(|status| status == "published"),
        form: None,
    })
}

fn not_a_language(code: &str) -> FieldError {
    FieldError::text(format!("\"{code}\" is not a valid choice."))
}
