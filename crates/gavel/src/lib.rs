//! Gavel: a self-hosted decision desk for identity verification.
//!
//! The rooms: [`http`] turns requests into calls of [`actions`]; an action decides with `gavel-core` and writes through
//! [`store`], in one transaction; [`live`] holds the screening index of this process; [`workers`] do what was promised
//! after the answer; [`cli`] is the command line. `ARCHITECTURE.md` has the map.

pub mod actions;
pub mod app;
pub mod authorities;
pub mod cli;
pub mod clock;
pub mod config;
pub mod http;
pub mod limits;
pub mod live;
pub mod mailer;
pub mod media;
pub mod outbound;
pub mod passwords;
pub mod secrets;
pub mod share_token;
pub mod signing;
pub mod store;
pub mod throttle;
pub mod totp;
pub mod workers;
