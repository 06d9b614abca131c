//! Pictures of identity documents: a card or a data page, photographed on a table. Marked as specimens: they must not
//! pass for anything else.

use super::{
    canvas::{Canvas, Colour, Letters, shade},
    mrz,
};
use crate::cli::demo::people::{Document, Person, pick};

const WIDTH: u32 = 800;
const HEIGHT: u32 = 520;
/// Left, top, right, bottom of the card in the picture.
const CARD: (f32, f32, f32, f32) = (30.0, 28.0, 770.0, 492.0);
const INK: Colour = [34, 36, 44];

/// The side with the portrait.
pub fn front(person: &Person, portrait: &Canvas) -> Canvas {
    let colour = person.country.colour;
    let mut canvas = table(person);
    paper(&mut canvas, colour);
    header(&mut canvas, person);
    let photo = portrait.resized(192, 240);
    canvas.plate((56.0, 118.0, 256.0, 366.0), 8.0, shade(colour, -0.2), 0.9);
    canvas.paste(&photo, (60, 122), 1.0);
    canvas.paste(&photo.resized(84, 105), (664, 262), 0.32);
    fields(&mut canvas, person);
    specimen(&mut canvas, (672.0, 372.0));
    if person.document == Document::Passport {
        canvas.plate((31.0, 396.0, 769.0, 491.0), 14.0, [250, 250, 246], 0.86);
        for (line, text) in mrz::lines(person).iter().enumerate() {
            canvas.spaced((56.0, 414.0 + line as f32 * 34.0), 15.6, 1, INK, text);
        }
    } else {
        signature(&mut canvas, person);
    }
    canvas
}

/// The other side of a card.
pub fn back(person: &Person) -> Canvas {
    let colour = person.country.colour;
    let mut canvas = table(person);
    paper(&mut canvas, colour);
    canvas.fill((31.0, 58.0, 769.0, 106.0), [46, 46, 52], |_, _| 0.92);
    let place = person.country.place;
    for (line, text) in [person.street(), format!("{} {}", place.3, place.0), place.1.to_owned()].iter().enumerate() {
        canvas.text((60.0, 132.0 + line as f32 * 28.0), Letters::Bold, 1, INK, text);
    }
    barcode(&mut canvas, person);
    specimen(&mut canvas, (60.0, 268.0));
    canvas.plate((31.0, 300.0, 769.0, 491.0), 14.0, [250, 250, 246], 0.82);
    for (line, text) in mrz::lines(person).iter().enumerate() {
        canvas.spaced((56.0, 314.0 + line as f32 * 54.0), 23.0, 2, INK, text);
    }
    canvas
}

/// What the card lies on.
fn table(person: &Person) -> Canvas {
    const TABLES: [Colour; 5] = [[122, 96, 74], [92, 98, 104], [168, 158, 142], [70, 82, 92], [140, 116, 96]];
    let colour = TABLES[pick(person.number, "table", TABLES.len())];
    let mut canvas = Canvas::new(WIDTH, HEIGHT, colour);
    canvas.gradient(shade(colour, 0.12), shade(colour, -0.18));
    for grain in 0..9 {
        let (y, bend) = (grain as f32 * 61.0, pick(person.number + grain, "grain", 9) as f32);
        let area = (0.0, y - 20.0, WIDTH as f32, y + 20.0);
        canvas.fill(area, shade(colour, -0.4), |x, py| (1.2 - (py - y - (x / 120.0 + bend).sin() * 9.0).abs()).clamp(0.0, 0.22));
    }
    // The card's shadow: a little to the right, a little below.
    let (left, top, right, bottom) = (CARD.0 + 2.0, CARD.1 + 5.0, CARD.2 + 3.0, CARD.3 + 6.0);
    canvas.fill((left - 14.0, bottom - 40.0, right + 14.0, bottom + 14.0), [16, 14, 14], |x, y| {
        let away = (left - x).max(x - right).max(y - bottom).max(0.0);
        (1.0 - away / 12.0).max(0.0) * 0.5
    });
    canvas.fill((right - 20.0, top, right + 14.0, bottom - 40.0), [16, 14, 14], |x, _| {
        (1.0 - (x - right).max(0.0) / 12.0).max(0.0) * 0.4
    });
    canvas
}

/// The card without anything on it: tinted, with the fine waves that make copying hard.
fn paper(canvas: &mut Canvas, colour: Colour) {
    canvas.plate(CARD, 18.0, shade(colour, 0.88), 1.0);
    let inside = (CARD.0 + 6.0, CARD.1 + 6.0, CARD.2 - 6.0, CARD.3 - 6.0);
    let waves: Vec<(f32, f32)> = (0..WIDTH)
        .map(|x| x as f32)
        .map(|x| ((x / 46.0).sin() * 16.0 + (x / 13.0).sin() * 2.0, x * 0.35 + (x / 71.0).cos() * 24.0))
        .collect();
    canvas.fill(inside, shade(colour, 0.3), |x, y| {
        let (one, two) = waves.get(x as usize).copied().unwrap_or_default();
        let (one, two) = ((y + one) % 13.0, (y + two) % 17.0);
        (1.0 - (one - 6.0).abs()).max(0.0) * 0.2 + (1.0 - (two - 8.0).abs()).max(0.0) * 0.16
    });
    let seal = (560.0, 286.0);
    for ring in 0..7 {
        let radius = 126.0 - ring as f32 * 16.0;
        canvas.ring(seal, (radius, radius), 1.6, shade(colour, 0.72));
    }
}

fn header(canvas: &mut Canvas, person: &Person) {
    let (colour, (state, card)) = (person.country.colour, person.country.titles);
    canvas.plate((CARD.0, CARD.1, CARD.2, 102.0), 18.0, colour, 1.0);
    canvas.fill((CARD.0, 84.0, CARD.2, 102.0), colour, |_, _| 1.0);
    canvas.fill((CARD.0, 102.0, CARD.2, 105.0), shade(colour, 0.55), |_, _| 1.0);
    let title = match person.document {
        Document::Passport => "PASSPORT  PASSEPORT",
        Document::DrivingLicence => "DRIVING LICENCE",
        Document::IdentityCard => card.unwrap_or("IDENTITY CARD"),
    };
    // A long name of a state takes smaller letters.
    let grow = if state.chars().count() <= 26 { 2 } else { 1 };
    canvas.text((58.0, if grow == 2 { 36.0 } else { 46.0 }), Letters::Bold, grow, [252, 252, 250], state);
    canvas.text((59.0, 78.0), Letters::Small, 1, shade(colour, 0.75), title);
    canvas.ellipse((722.0, 65.0), (27.0, 27.0), shade(colour, 0.8), 1.0);
    canvas.ring((722.0, 65.0), (27.0, 27.0), 3.0, shade(colour, -0.3));
    canvas.text((704.0, 47.0), Letters::Bold, 2, shade(colour, -0.3), person.country.codes.1);
}

fn fields(canvas: &mut Canvas, person: &Person) {
    let (born, issued, expires) = &person.dates;
    let lines = [
        ("SURNAME", person.last_name.to_uppercase()),
        ("GIVEN NAMES", person.first_name.to_uppercase()),
        ("DATE OF BIRTH", day(born)),
        ("DATE OF ISSUE", day(issued)),
        ("DOCUMENT NO.", person.document_number.clone()),
    ];
    for (place, (label, value)) in lines.iter().enumerate() {
        field(canvas, (284.0, 116.0 + place as f32 * 52.0), label, value);
    }
    field(canvas, (510.0, 220.0), "SEX / NATIONALITY", &format!("{} / {}", person.gender, person.country.codes.0));
    field(canvas, (510.0, 272.0), "DATE OF EXPIRY", &day(expires));
}

fn field(canvas: &mut Canvas, (x, y): (f32, f32), label: &str, value: &str) {
    canvas.text((x, y), Letters::Small, 1, [96, 100, 112], label);
    canvas.text((x, y + 16.0), Letters::Wide, 1, INK, value);
    canvas.text((x + 1.0, y + 16.0), Letters::Wide, 1, INK, value); // Printed twice, a pixel apart: bold.
}

fn specimen(canvas: &mut Canvas, at: (f32, f32)) {
    canvas.text(at, Letters::Bold, 1, [178, 60, 60], "SPECIMEN");
}

/// A line as a hurried hand draws it.
fn signature(canvas: &mut Canvas, person: &Person) {
    let (phase, pace) = (pick(person.number, "hand", 60) as f32 / 10.0, 9.0 + pick(person.number, "pace", 8) as f32);
    canvas.fill((284.0, 456.0, 600.0, 457.0), [150, 154, 164], |_, _| 0.7);
    canvas.text((284.0, 462.0), Letters::Small, 1, [96, 100, 112], "SIGNATURE");
    canvas.fill((300.0, 404.0, 520.0, 460.0), [30, 40, 96], |x, y| {
        let line = 432.0 + (x / pace + phase).sin() * 13.0 * (1.3 - (x - 300.0) / 230.0) + (x / 31.0 + phase).cos() * 7.0;
        let slope = ((x / pace + phase).cos() * 13.0 / pace).abs();
        (1.5 + slope * 0.9 - (y - line).abs()).clamp(0.0, 1.0) * 0.85
    });
}

fn barcode(canvas: &mut Canvas, person: &Person) {
    let mut x = 470.0;
    for bar in 0..58 {
        let wide = 1.0 + pick(person.number * 64 + bar, "bar", 3) as f32;
        if bar % 2 == 0 {
            canvas.fill((x, 132.0, x + wide, 222.0), INK, |_, _| 1.0);
        }
        x += wide + 2.0;
    }
    canvas.text((470.0, 228.0), Letters::Small, 1, INK, &person.document_number);
}

/// `1990-04-17` as documents print it.
fn day(text: &str) -> String {
    text.split('-').rev().collect::<Vec<_>>().join(" ")
}
