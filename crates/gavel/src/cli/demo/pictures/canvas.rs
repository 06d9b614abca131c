//! A surface to paint on: shapes with soft edges, and text in bitmap letters.
//!
//! A shape is a function that says how much of a pixel it covers; everything else follows from that.

use embedded_graphics::{
    Drawable, Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Point, Size},
    mono_font::{MonoFont, MonoTextStyle, iso_8859_1, iso_8859_2, iso_8859_9, iso_8859_16},
    pixelcolor::BinaryColor,
    text::{Baseline, Text},
};
use image::{ExtendedColorType, RgbImage, codecs::jpeg::JpegEncoder};

use crate::cli::demo::people::ascii;

/// Red, green, blue.
pub type Colour = [u8; 3];

/// The surface.
pub struct Canvas {
    width: usize,
    height: usize,
    /// Row by row.
    pixels: Vec<Colour>,
}

/// Letters of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Letters {
    /// Names of fields.
    Small,
    /// What is in them.
    Bold,
    /// Machine-readable lines.
    Wide,
}

/// The same colour, lighter (towards 1) or darker (towards -1).
pub fn shade(colour: Colour, by: f32) -> Colour {
    let goal = if by > 0.0 { 255.0 } else { 0.0 };
    colour.map(|part| (f32::from(part) + (goal - f32::from(part)) * by.abs()) as u8)
}

/// Of a vector. `hypot` also minds overflows, at ten times the price.
pub fn length(x: f32, y: f32) -> f32 {
    (x * x + y * y).sqrt()
}

/// How much of a pixel at `distance` outside an edge is covered.
fn soft(distance: f32) -> f32 {
    (0.5 - distance).clamp(0.0, 1.0)
}

impl Canvas {
    /// A surface of one colour.
    pub fn new(width: u32, height: u32, colour: Colour) -> Self {
        let (width, height) = (width as usize, height as usize);
        Self { width, height, pixels: vec![colour; width * height] }
    }

    /// Width and height.
    pub fn size(&self) -> (f32, f32) {
        (self.width as f32, self.height as f32)
    }

    /// As a JPEG file.
    pub fn jpeg(&self, quality: u8) -> Vec<u8> {
        let mut file = Vec::new();
        let (width, height) = (self.width as u32, self.height as u32);
        let encoded = JpegEncoder::new_with_quality(&mut file, quality).encode(
            self.pixels.as_flattened(),
            width,
            height,
            ExtendedColorType::Rgb8,
        );
        debug_assert!(encoded.is_ok(), "a picture in memory can be encoded");
        file
    }

    /// Paints what `cover` covers, inside a box of left, top, right, bottom.
    pub fn fill(&mut self, (left, top, right, bottom): (f32, f32, f32, f32), colour: Colour, cover: impl Fn(f32, f32) -> f32) {
        let (left, right) = (left.max(0.0) as usize, (right.max(0.0).ceil() as usize).min(self.width));
        let (top, bottom) = (top.max(0.0) as usize, (bottom.max(0.0).ceil() as usize).min(self.height));
        for y in top..bottom {
            let row = y * self.width;
            for x in left..right {
                let amount = cover(x as f32 + 0.5, y as f32 + 0.5);
                if amount > 0.0 {
                    blend(&mut self.pixels[row + x], colour, amount);
                }
            }
        }
    }

    /// From the top colour to the bottom one, over everything.
    pub fn gradient(&mut self, top: Colour, bottom: Colour) {
        let height = self.height.max(1) as f32;
        for (y, row) in self.pixels.chunks_exact_mut(self.width.max(1)).enumerate() {
            let mut colour = top;
            blend(&mut colour, bottom, y as f32 / height);
            row.fill(colour);
        }
    }

    /// A box with round corners.
    pub fn plate(&mut self, area: (f32, f32, f32, f32), radius: f32, colour: Colour, amount: f32) {
        let (left, top, right, bottom) = area;
        self.fill((left - 1.0, top - 1.0, right + 1.0, bottom + 1.0), colour, |x, y| {
            let outside_x = (left + radius - x).max(x - right + radius);
            let outside_y = (top + radius - y).max(y - bottom + radius);
            if outside_x < radius - 1.0 && outside_y <= 0.0 || outside_y < radius - 1.0 && outside_x <= 0.0 {
                return amount; // Well inside: nearly every pixel of a card.
            }
            soft(length(outside_x.max(0.0), outside_y.max(0.0)) - radius) * amount
        });
    }

    /// An ellipse.
    pub fn ellipse(&mut self, (x, y): (f32, f32), (rx, ry): (f32, f32), colour: Colour, amount: f32) {
        self.fill((x - rx - 1.0, y - ry - 1.0, x + rx + 1.0, y + ry + 1.0), colour, |px, py| {
            ellipse((px, py), (x, y), (rx, ry)) * amount
        });
    }

    /// The line of an ellipse.
    pub fn ring(&mut self, centre: (f32, f32), (rx, ry): (f32, f32), line: f32, colour: Colour) {
        let (x, y) = centre;
        self.fill((x - rx - 1.0, y - ry - 1.0, x + rx + 1.0, y + ry + 1.0), colour, |px, py| {
            ellipse((px, py), centre, (rx, ry)) * (1.0 - ellipse((px, py), centre, (rx - line, ry - line)))
        });
    }

    /// Another picture on top, its left upper corner here.
    pub fn paste(&mut self, other: &Self, (left, top): (usize, usize), amount: f32) {
        let width = other.width.min(self.width.saturating_sub(left));
        for (y, row) in other.pixels.chunks_exact(other.width.max(1)).enumerate().take(self.height.saturating_sub(top)) {
            let at = (top + y) * self.width + left;
            for (pixel, colour) in self.pixels[at..at + width].iter_mut().zip(row) {
                blend(pixel, *colour, amount);
            }
        }
    }

    /// The same picture, smaller.
    pub fn resized(&self, width: u32, height: u32) -> Self {
        let from = RgbImage::from_raw(self.width as u32, self.height as u32, self.pixels.as_flattened().to_vec());
        let small = from.map(|image| image::imageops::thumbnail(&image, width, height)).unwrap_or_default();
        let pixels = small.pixels().map(|pixel| pixel.0).collect();
        Self { width: small.width() as usize, height: small.height() as usize, pixels }
    }

    /// Text; `grow` times as large as its letters are. Letters no font has are written in ASCII.
    pub fn text(&mut self, at: (f32, f32), letters: Letters, grow: u32, colour: Colour, text: &str) {
        let text = if font(letters, text).is_some() { text.to_owned() } else { ascii(text) };
        let Some(font) = font(letters, &text) else { return };
        let mut pen = Pen { canvas: self, at, grow: grow.max(1), colour, amount: 1.0 };
        // A pen never fails.
        let _ =
            Text::with_baseline(&text, Point::zero(), MonoTextStyle::new(font, BinaryColor::On), Baseline::Top).draw(&mut pen);
    }

    /// Text with its letters a fixed number of pixels apart, as machines like to read it.
    pub fn spaced(&mut self, (x, y): (f32, f32), pitch: f32, grow: u32, colour: Colour, text: &str) {
        for (place, letter) in text.chars().enumerate() {
            self.text((x + place as f32 * pitch, y), Letters::Wide, grow, colour, letter.encode_utf8(&mut [0; 4]));
        }
    }
}

/// How much of the pixel the ellipse covers.
pub fn ellipse((px, py): (f32, f32), (x, y): (f32, f32), (rx, ry): (f32, f32)) -> f32 {
    if rx <= 0.0 || ry <= 0.0 {
        return 0.0;
    }
    let reach = length((px - x) / rx, (py - y) / ry);
    soft((reach - 1.0) * rx.min(ry))
}

/// Whole numbers and no iterators: this runs for every pixel of every shape, also in builds without optimisation.
fn blend(under: &mut Colour, over: Colour, amount: f32) {
    let amount = (amount.min(1.0) * 256.0) as i32;
    let part = |under: u8, over: u8| (i32::from(under) + (((i32::from(over) - i32::from(under)) * amount) >> 8)) as u8;
    *under = [part(under[0], over[0]), part(under[1], over[1]), part(under[2], over[2])];
}

/// The first of the fonts that has every letter: Western, Central European, Turkish, South-Eastern European.
fn font(letters: Letters, text: &str) -> Option<&'static MonoFont<'static>> {
    let fonts = match letters {
        Letters::Small => [&iso_8859_1::FONT_7X13, &iso_8859_2::FONT_7X13, &iso_8859_9::FONT_7X13, &iso_8859_16::FONT_7X13],
        Letters::Bold => {
            [&iso_8859_1::FONT_9X18_BOLD, &iso_8859_2::FONT_9X18_BOLD, &iso_8859_9::FONT_9X18_BOLD, &iso_8859_16::FONT_9X18_BOLD]
        }
        Letters::Wide => [&iso_8859_1::FONT_10X20, &iso_8859_2::FONT_10X20, &iso_8859_9::FONT_10X20, &iso_8859_16::FONT_10X20],
    };
    let has = |font: &&MonoFont<'_>| {
        // What a font does not have, it shows as a question mark.
        let unknown = font.glyph_mapping.index('?');
        text.chars().all(|c| c == '?' || font.glyph_mapping.index(c) != unknown)
    };
    fonts.into_iter().find(has)
}

/// Puts the letters' pixels on a canvas, each as a square.
struct Pen<'a> {
    canvas: &'a mut Canvas,
    at: (f32, f32),
    grow: u32,
    colour: Colour,
    amount: f32,
}

impl OriginDimensions for Pen<'_> {
    fn size(&self) -> Size {
        Size::new(u32::MAX / 4, u32::MAX / 4)
    }
}

impl DrawTarget for Pen<'_> {
    type Color = BinaryColor;
    type Error = std::convert::Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: I) -> Result<(), Self::Error> {
        for Pixel(point, colour) in pixels {
            if colour == BinaryColor::On {
                let side = self.grow as f32;
                let (x, y) = (self.at.0 + point.x as f32 * side, self.at.1 + point.y as f32 * side);
                let amount = self.amount;
                self.canvas.fill((x, y, x + side, y + side), self.colour, |_, _| amount);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_in_their_own_letters() {
        for name in ["Łukasz Wiśniewski", "Yıldırım", "Răzvan", "João da Conceição", "Ondřej Dvořák"] {
            assert!(font(Letters::Bold, name).is_some() || !ascii(name).is_empty(), "{name}");
        }
        assert!(font(Letters::Bold, "Ondřej").is_some() && font(Letters::Bold, "Şahin").is_some());
        assert!(font(Letters::Bold, "佐藤").is_none());
    }
}
