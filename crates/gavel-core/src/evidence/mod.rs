//! Evidence: what a capture flow, an SDK or another vendor found out about a person, and what it means for a session.
//!
//! An evidence call brings feature items in the shape of a decision. [`Evidence::read`] turns the body into [`Item`]s:
//! every member typed and normalised by the tables in [`shapes`], everything that is wrong named by its path.
//! [`signals`] draws the values to be screened from an item; [`assign_steps`] finds the step of the workflow it belongs
//! to; [`assess()`] weighs warnings, scores and findings of the lists by the tables in [`risks`]; [`session_outcome`] adds
//! the features up. [`compose`] shows a record as the contract does, [`link_decision_media`] puts links in place of
//! pictures.
//!
//! The cast in order of appearance: [`Feature`] → [`shape`] and [`shapes`] → [`Item`] → [`Placement`] →
//! [`Assessment`] of [`Warning`]s → a session status. Nothing here looks at a list, a store or a picture: hits arrive
//! as [`ListFinding`]s, pictures stay references. Status rules ask about the [`facts`] of the session and leave what they saw as
//! [`Consulted`].

mod assess;
mod config;
mod consulted;
pub(crate) mod document_type;
pub mod facts;
mod feature;
mod item;
mod media;
mod normalise;
mod read;
pub mod risks;
mod rollup;
pub mod shape;
pub mod shapes;
mod shown;
mod signal;
mod steps;
mod values;
mod warning;
mod weighed;

pub use assess::{
    Assessment, Band, Duplicate, DuplicateKind, FaceFinding, ListFinding, SessionRef, assess, derive_status,
    drop_repeated_locations, ruled_status,
};
pub use config::Config;
pub use consulted::{Answer, Consulted, Covering};
pub use document_type::document_code;
pub use feature::Feature;
pub(crate) use item::complete;
pub use item::{FaceEmbedding, Item, MEDIA_PREFIX, MediaField, MediaRef, SentWarning, placeholder, stored_media};
pub use media::{link_decision_media, link_media};
pub use read::{Evidence, ITEM_LIMIT, TOTAL_ITEM_LIMIT, TOTAL_OBJECT_LIMIT};
pub use rollup::{live_outcome, more_severe, session_outcome};
pub(crate) use shapes::HIT_STATUSES;
pub use shown::{ServerMembers, Shown, compose};
pub use signal::{Signal, signals};
pub use steps::{Placement, WorkflowStep, assign_steps, has_missing_step, next_node_id};
pub use values::{ELEMENT_LIMIT, VECTOR_LIMIT};
pub use warning::{Action, LogType, Warning};
pub use weighed::{Weighed, scores, thresholds};

#[cfg(test)]
mod tests;
