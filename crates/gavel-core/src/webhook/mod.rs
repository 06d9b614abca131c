//! Webhooks: what an event is called, how it is signed, and when it is tried again (webhooks.md).
//!
//! The server puts a payload together, writes it with [`canonical::body`](crate::json::canonical::body) and sends
//! exactly those bytes with the headers of [`signatures`]. What the receiver answers becomes an [`Outcome`]; after a
//! retriable one [`retry_wait`] says how long to wait, or that it is over, and [`spread`] keeps what failed together from coming back together. [`verify`] is the receiver's side: the
//! demo, `gavel webhook listen` and the tests use it.
//!
//! Here is no connection, no queue and no clock: attempts, instants and secrets are arguments.

mod event;
mod retry;
mod sign;
pub mod verify;

pub use event::EventType;
pub use retry::{BadSchedule, Outcome, RetrySchedule, retry_after, retry_wait, spread};
pub use sign::{Secrets, Signatures, signatures, simple_message, standard_form};

#[cfg(test)]
mod vectors;
