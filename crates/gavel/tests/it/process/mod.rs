//! Tests of the real binary: they start it, speak to it, and end it by signal. Run one at a time.

mod demo;
