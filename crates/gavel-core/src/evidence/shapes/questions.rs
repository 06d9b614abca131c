//! Answers to a questionnaire.

use crate::evidence::shape::*;

const ITEM: &[Field] = &[
    text("uuid"),
    text("value"),
    text("element_type"),
    flag("is_required"),
    text("title"),
    text("description"),
    text("placeholder"),
    objects("choices", &[text("label"), text("value"), flag("requires_text_input")]),
    integer("max_files"),
    // The files of an answer are uploads, so they are media like every other file of an item.
    object("answer", &[text("value"), text("text"), medias("files")]),
    free("required_if"),
    free("repeatable_config"),
];

/// `questionnaire_responses[]`
pub(super) const QUESTIONNAIRE_RESPONSE: &[Field] = &[
    NODE_ID,
    text("questionnaire_id"),
    text("title"),
    text("description"),
    texts("languages"),
    text("default_language"),
    flag("is_active"),
    flag("is_simple_questionnaire"),
    text("questionnaire_group_id"),
    integer("version"),
    datetime("published_at"),
    objects("sections", &[text("title"), text("description"), objects("items", ITEM)]),
    STATUS,
];
