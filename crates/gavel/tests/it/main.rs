//! Tests of the whole server over real HTTP, on both engines. The modules mirror `src`; [`harness`] is the stage.

#![allow(unreachable_pub, reason = "one binary: nothing here is anybody else's")]
#![allow(clippy::unwrap_used, reason = "a test ends where it is surprised; clippy sees only functions marked as tests")]
#![expect(clippy::disallowed_methods, reason = "tests make their own ids and clients")]

mod api;
mod every_route;
mod harness;
mod process;
mod store;
mod verifiers;
mod workers;
