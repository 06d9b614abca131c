//! What the server does by itself.

mod deliver;
mod faults;
mod mail;
mod payloads;
mod seal;
mod sessions;
