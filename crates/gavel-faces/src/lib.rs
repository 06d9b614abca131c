//! From an image to a face embedding: decoding, detection, alignment, templates.
//!
//! This crate's border is drawn first: image decoding and model inference stay out of the crate that decides and out of
//! the server's own. It holds no model and no engine yet; until one is configured the server answers every call that
//! would need it with 503.
