//! Drawn faces: enough of a likeness to tell people apart, and to recognise one in two pictures.

use super::canvas::{Canvas, Colour, ellipse, length, shade};
use crate::cli::demo::people::{Person, pick};

const SKIN: [Colour; 7] =
    [[241, 208, 182], [228, 184, 148], [208, 158, 118], [176, 124, 86], [134, 88, 60], [104, 66, 46], [84, 54, 40]];
const HAIR: [Colour; 6] = [[38, 28, 24], [66, 44, 30], [104, 68, 40], [186, 146, 88], [142, 66, 36], [24, 22, 28]];
const CLOTHES: [Colour; 8] =
    [[52, 84, 130], [128, 52, 62], [62, 104, 84], [84, 78, 112], [190, 178, 160], [48, 52, 60], [176, 110, 60], [96, 134, 152]];

/// What somebody looks like, in every picture of them.
pub struct Looks {
    skin: Colour,
    hair: Colour,
    clothes: Colour,
    eyes: Colour,
    long_hair: bool,
    bald: bool,
    parting: f32,
    beard: f32,
    glasses: bool,
    jaw: f32,
    brow: f32,
    smile: f32,
}

impl Looks {
    /// Of this person.
    pub fn of(person: &Person) -> Self {
        let of = |topic: &str, below: usize| pick(person.number, topic, below);
        let woman = person.gender == 'F';
        let tone = (person.country.tone + of("tone", 3)).min(SKIN.len() - 1);
        let dark = person.country.tone >= 2 || person.country.codes.0 == "JPN";
        let hair = if dark { [HAIR[0], HAIR[5], HAIR[1]][of("hair", 3)] } else { HAIR[of("hair", 5)] };
        let grey = (person.age - 46).clamp(0, 24) as f32 / 28.0;
        Self {
            skin: SKIN[tone],
            hair: mix(hair, [196, 194, 192], grey),
            clothes: CLOTHES[of("clothes", CLOTHES.len())],
            eyes: if tone < 2 { [[70, 110, 140], [86, 112, 74], [92, 62, 38]][of("eyes", 3)] } else { [62, 40, 28] },
            long_hair: woman && of("long hair", 6) > 0,
            bald: !woman && person.age > 42 && of("bald", 3) == 0,
            parting: of("parting", 7) as f32 / 10.0 - 0.3,
            beard: if woman || person.age < 20 { 0.0 } else { [0.0, 0.0, 0.22, 0.8, 0.88][of("beard", 5)] },
            glasses: of("glasses", 4) == 0,
            jaw: 0.16 + of("jaw", 5) as f32 * 0.03,
            brow: 0.03 + of("brow", 4) as f32 * 0.008,
            smile: of("smile", 5) as f32 * 0.02,
        }
    }

    /// Draws them: the middle of the face here, half its height so many pixels.
    pub fn draw(&self, canvas: &mut Canvas, centre: (f32, f32), size: f32) {
        let mut face = Face { canvas, centre, size };
        self.behind(&mut face);
        self.head(&mut face);
        self.features(&mut face);
        self.hair(&mut face);
        if self.glasses {
            let frame = shade(self.hair, -0.5);
            for side in [-1.0, 1.0] {
                face.ring((side * 0.33, -0.01), (0.235, 0.2), 0.035, frame);
            }
            face.ellipse((0.0, -0.04), (0.11, 0.022), frame, 1.0);
        }
    }

    /// What is behind the face: hair that falls down, shoulders, neck.
    fn behind(&self, face: &mut Face<'_>) {
        if self.long_hair {
            face.ellipse((0.0, 0.22), (1.0, 1.34), shade(self.hair, -0.25), 1.0);
        }
        face.ellipse((0.0, 2.5), (1.68, 1.12), self.clothes, 1.0);
        face.ellipse((0.0, 2.62), (1.2, 1.05), shade(self.clothes, -0.12), 0.5);
        face.plate((-0.36, 0.5, 0.36, 1.42), 0.3, shade(self.skin, -0.14));
        face.ellipse((0.0, 1.38), (0.5, 0.2), shade(self.skin, -0.14), 1.0);
        face.glow((0.0, 0.98), (0.34, 0.3), shade(self.skin, -0.45), 0.4); // The chin's shadow.
        for side in [-1.0, 1.0] {
            face.ellipse((side * 0.79, 0.08), (0.13, 0.22), shade(self.skin, -0.1), 1.0);
        }
    }

    fn head(&self, face: &mut Face<'_>) {
        let jaw = self.jaw;
        let outline = move |x: f32, y: f32| outline((x, y), jaw, 1.0);
        face.shape(self.skin, outline);
        // Light from the left: a soft shadow on the other side, and warmth on the cheeks.
        face.shape(shade(self.skin, -0.3), move |x, y| outline(x, y) * ((x - 0.15) * 0.45).clamp(0.0, 0.4));
        for side in [-1.0, 1.0] {
            face.glow((side * 0.42, 0.3), (0.28, 0.22), mix(self.skin, [205, 92, 84], 0.5), 0.35);
        }
        if self.beard > 0.0 {
            let thick = self.beard;
            face.shape(shade(self.hair, -0.1), move |x, y| {
                let mouth = ellipse((x * 100.0, y * 100.0), (0.0, 56.0), (24.0, 9.0));
                let below = ((y - 0.24 - (1.0 - x * x) * 0.1) * 9.0).clamp(0.0, 1.0);
                outline(x, y) * below * (1.0 - mouth) * thick
            });
        }
    }

    fn features(&self, face: &mut Face<'_>) {
        let brows = mix(self.hair, [40, 30, 26], 0.45);
        for side in [-1.0, 1.0] {
            let eye = (side * 0.33, -0.02);
            face.ellipse((side * 0.34, -0.24), (0.2, self.brow), brows, 0.95);
            face.ellipse((eye.0, eye.1 - 0.015), (0.17, 0.1), shade(self.skin, -0.32), 0.7);
            face.ellipse(eye, (0.15, 0.078), [244, 242, 238], 1.0);
            face.ellipse(eye, (0.074, 0.076), self.eyes, 1.0);
            face.ellipse(eye, (0.036, 0.038), [18, 14, 14], 1.0);
            face.ellipse((eye.0 - 0.025, eye.1 - 0.028), (0.018, 0.018), [255, 255, 255], 0.9);
            face.ellipse((side * 0.075, 0.34), (0.035, 0.022), shade(self.skin, -0.5), 0.75);
        }
        face.glow((0.06, 0.2), (0.12, 0.26), shade(self.skin, -0.3), 0.5);
        face.glow((-0.01, 0.27), (0.08, 0.1), shade(self.skin, 0.3), 0.45);
        let (lips, smile) = (mix(self.skin, [170, 62, 66], 0.55), self.smile);
        let bent = move |x: f32, y: f32, thick: f32| {
            let line = 0.56 - smile * 10.0 * x * x;
            ((thick * (1.0 - (x / 0.25).powi(2)).max(0.0) - (y - line).abs()) * 60.0).clamp(0.0, 1.0)
        };
        face.shape(lips, move |x, y| bent(x, y, 0.062));
        face.shape(shade(lips, -0.5), move |x, y| bent(x, y, 0.013) * 0.8);
    }

    fn hair(&self, face: &mut Face<'_>) {
        if self.bald {
            face.glow((-0.18, -0.72), (0.34, 0.16), shade(self.skin, 0.4), 0.5);
            return;
        }
        let (jaw, parting, long) = (self.jaw, self.parting, self.long_hair);
        let cover = move |x: f32, y: f32| {
            let scalp = outline((x, y * 0.97), jaw, 1.1);
            let line = -0.62 + 0.5 * (x - parting).powi(2) + ((x - parting) * 8.0).clamp(0.0, 1.0) * 0.06;
            let sides = if long { 0.6 } else { 0.12 };
            let at_side = ((x.abs() - 0.66) * 16.0).clamp(0.0, 1.0) * f32::from(y < sides);
            scalp * (((line - y) * 26.0).clamp(0.0, 1.0)).max(at_side)
        };
        face.shape(self.hair, cover);
        face.shape(shade(self.hair, 0.28), move |x, y| {
            cover(x, y)
                * ((x * 19.0 + y * 7.0).sin() * 0.5 + 0.5)
                * ellipse((x * 99.0, y * 99.0), (-28.0, -78.0), (46.0, 22.0))
                * 0.55
        });
    }
}

/// The outline of a head around (0, 0): an ellipse that narrows towards the chin.
fn outline((x, y): (f32, f32), jaw: f32, grow: f32) -> f32 {
    let narrow = 0.78 * (1.0 - jaw * y.max(0.0).powi(2));
    let reach = length(x / narrow, y) / grow;
    ((1.0 - reach) * 60.0 + 0.5).clamp(0.0, 1.0)
}

fn mix(a: Colour, b: Colour, amount: f32) -> Colour {
    std::array::from_fn(|n| (f32::from(a[n]) + (f32::from(b[n]) - f32::from(a[n])) * amount) as u8)
}

/// A canvas in the measures of a face: the middle at (0, 0), the chin at y = 1.
struct Face<'a> {
    canvas: &'a mut Canvas,
    centre: (f32, f32),
    size: f32,
}

impl Face<'_> {
    fn point(&self, (x, y): (f32, f32)) -> (f32, f32) {
        (self.centre.0 + x * self.size, self.centre.1 + y * self.size)
    }

    fn ellipse(&mut self, at: (f32, f32), (rx, ry): (f32, f32), colour: Colour, amount: f32) {
        let at = self.point(at);
        self.canvas.ellipse(at, (rx * self.size, ry * self.size), colour, amount);
    }

    fn ring(&mut self, at: (f32, f32), (rx, ry): (f32, f32), line: f32, colour: Colour) {
        let at = self.point(at);
        self.canvas.ring(at, (rx * self.size, ry * self.size), line * self.size, colour);
    }

    fn plate(&mut self, (left, top, right, bottom): (f32, f32, f32, f32), radius: f32, colour: Colour) {
        let ((left, top), (right, bottom)) = (self.point((left, top)), self.point((right, bottom)));
        self.canvas.plate((left, top, right, bottom), radius * self.size, colour, 1.0);
    }

    /// An ellipse without an edge.
    fn glow(&mut self, at: (f32, f32), (rx, ry): (f32, f32), colour: Colour, amount: f32) {
        let (at, size) = (self.point(at), self.size);
        let area = (at.0 - rx * size, at.1 - ry * size, at.0 + rx * size, at.1 + ry * size);
        self.canvas.fill(area, colour, |x, y| {
            let reach = length((x - at.0) / rx / size, (y - at.1) / ry / size);
            (1.0 - reach).max(0.0) * amount
        });
    }

    /// Any shape inside the head and a little around it.
    fn shape(&mut self, colour: Colour, cover: impl Fn(f32, f32) -> f32) {
        let ((left, top), (right, bottom)) = (self.point((-1.1, -1.3)), self.point((1.1, 1.2)));
        let (centre, size) = (self.centre, self.size);
        self.canvas.fill((left, top, right, bottom), colour, |x, y| cover((x - centre.0) / size, (y - centre.1) / size));
    }
}
