//! The migrations are read into the binary when it is compiled: a changed one must compile it again.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
