//! Generated pictures: documents and selfies of people who do not exist. Each follows from the person alone.

pub mod canvas;
pub mod document;
pub mod face;
pub mod mrz;

use canvas::{Canvas, length, shade};
use face::Looks;
pub use mrz::lines as mrz_lines;

use super::people::{Document, Person, pick};

/// The pictures of one person, as JPEG files.
pub struct Pictures {
    /// The document's side with the portrait.
    pub front: Vec<u8>,
    /// The other side, of cards.
    pub back: Option<Vec<u8>>,
    /// The portrait cut out of the document.
    pub portrait: Vec<u8>,
    /// Taken by the camera of the person's device.
    pub selfie: Vec<u8>,
}

impl Pictures {
    /// Draws them. `selfie_of` is who holds the camera: usually the same person.
    pub fn of(person: &Person, selfie_of: &Person) -> Self {
        let back = (person.document == Document::IdentityCard).then(|| document::back(person).jpeg(80));
        let portrait = portrait(person);
        Self {
            front: document::front(person, &portrait).jpeg(80),
            back,
            portrait: portrait.jpeg(84),
            selfie: selfie(selfie_of).jpeg(82),
        }
    }
}

/// A portrait as photographers take them for documents.
fn portrait(person: &Person) -> Canvas {
    let mut canvas = Canvas::new(240, 300, [214, 220, 226]);
    canvas.gradient([222, 228, 234], [196, 203, 212]);
    Looks::of(person).draw(&mut canvas, (120.0, 136.0), 82.0);
    canvas
}

/// A selfie in somebody's room.
fn selfie(person: &Person) -> Canvas {
    const ROOMS: [[u8; 3]; 7] =
        [[196, 184, 166], [150, 170, 176], [186, 160, 150], [128, 140, 128], [204, 200, 192], [112, 120, 140], [170, 150, 176]];
    let of = |topic: &str, below: usize| pick(person.number, topic, below) as f32;
    let room = ROOMS[pick(person.number, "room", ROOMS.len())];
    let mut canvas = Canvas::new(420, 560, room);
    canvas.gradient(shade(room, 0.18), shade(room, -0.3));
    let window = 20.0 + of("window", 250);
    canvas.plate((window, 40.0, window + 130.0, 220.0), 6.0, shade(room, 0.7), 0.75);
    canvas.plate((window + 63.0, 40.0, window + 68.0, 220.0), 1.0, shade(room, -0.1), 0.7);
    canvas.plate((0.0, 342.0 + of("shelf", 60), 420.0, 352.0 + of("shelf", 60)), 1.0, shade(room, -0.42), 0.6);
    let centre = (196.0 + of("left", 28), 248.0 + of("up", 36));
    Looks::of(person).draw(&mut canvas, centre, 121.0 + of("near", 20));
    // What the room's light leaves in the corners.
    let (width, height) = canvas.size();
    canvas.fill((0.0, 0.0, width, height), [12, 10, 16], |x, y| {
        let away = (length(x / width - 0.5, y / height - 0.5) - 0.42).max(0.0);
        away * 0.9
    });
    canvas
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn pictures_are_small_files_and_all_different() {
        let mut seen = HashSet::new();
        for number in [0, 19, 41] {
            let person = Person::of(number, 2026);
            let pictures = Pictures::of(&person, &person);
            for file in [Some(&pictures.front), pictures.back.as_ref(), Some(&pictures.portrait), Some(&pictures.selfie)] {
                let Some(file) = file else { continue };
                assert!((4 << 10..120 << 10).contains(&file.len()), "{} bytes", file.len());
                assert!(image::load_from_memory(file).is_ok() && seen.insert(file.clone()));
            }
        }
    }
}
