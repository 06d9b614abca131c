//! What the server does by itself.

mod deliver;
mod mail;
