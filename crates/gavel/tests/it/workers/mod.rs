//! What the server does by itself.

mod deliver;
mod faults;
mod payloads;
mod seal;
mod sessions;
