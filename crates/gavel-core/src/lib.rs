//! What Gavel decides, without doing any of it.
//!
//! This crate holds the rules: which values a list accepts and when two of them are the same ([`entry`]), which
//! live entries a value hits ([`screening`]), what evidence means for a session ([`evidence`], [`session`]), what a
//! workflow asks for ([`workflow`]) and a questionnaire asks ([`questionnaire`]), what conditions say ([`rules`]), who the
//! people and companies behind sessions are ([`subject`]), what comes of money that moves ([`transaction`]), what a person
//! may decide ([`review`]) and correct ([`edit`]), how an event is written and signed ([`webhook`]), what an application
//! guards itself with ([`guard`]).
//!
//! Nothing here performs input or output, reads a clock or draws a random number: time, identity and secrets arrive
//! as arguments, so every rule can be tested with plain values and replayed years later with the same result.

pub mod access;
pub mod audit;
pub mod edit;
pub mod entry;
pub mod evidence;
pub mod guard;
pub mod ids;
pub mod json;
pub mod list;
pub mod questionnaire;
pub mod review;
pub mod rules;
pub mod screening;
pub mod session;
pub mod subject;
pub mod time;
pub mod transaction;
pub mod webhook;
pub mod workflow;
