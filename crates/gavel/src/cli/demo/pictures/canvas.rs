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
use image::{ExtendedColorType, Rgb, RgbImage, codecs::jpeg::JpegEncoder};

use crate::cli::demo::people::ascii;

/// Red, green, blue.
pub type Colour = [u8; 3];

/// The surface.
pub struct Canvas(RgbImage);

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
        Self(RgbImage::from_pixel(width, height, Rgb(colour)))
    }

    /// Width and height.
    pub fn size(&self) -> (f32, f32) {
        (self.0.width() as f32, self.0.height() as f32)
    }

    /// As a JPEG file.
    pub fn jpeg(&self, quality: u8) -> Vec<u8> {
        let mut file = Vec::new();
        let encoded = JpegEncoder::new_with_quality(&mut file, quality).encode(
            self.0.as_raw(),
            self.0.width(),
            self.0.height(),
            ExtendedColorType::Rgb8,
        );
        debug_assert!(encoded.is_ok(), "a picture in memory can be encoded");
        file
    }

    /// Paints what `cover` covers, inside a box of left, top, right, bottom.
    pub fn fill(&mut self, (left, top, right, bottom): (f32, f32, f32, f32), colour: Colour, cover: impl Fn(f32, f32) -> f32) {
        let (width, height) = self.size();
        for y in top.max(0.0) as u32..bottom.ceil().clamp(0.0, height) as u32 {
            for x in left.max(0.0) as u32..right.ceil().clamp(0.0, width) as u32 {
                let amount = cover(x as f32 + 0.5, y as f32 + 0.5);
                if amount > 0.0 {
                    blend(self.0.get_pixel_mut(x, y), colour, amount.min(1.0));
                }
            }
        }
    }

    /// From the top colour to the bottom one, over everything.
    pub fn gradient(&mut self, top: Colour, bottom: Colour) {
        let height = self.0.height().max(1) as f32;
        for (_, y, pixel) in self.0.enumerate_pixels_mut() {
            *pixel = Rgb(top);
            blend(pixel, bottom, y as f32 / height);
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
    pub fn paste(&mut self, other: &Self, (left, top): (u32, u32), amount: f32) {
        for (x, y, pixel) in other.0.enumerate_pixels() {
            if left + x < self.0.width() && top + y < self.0.height() {
                blend(self.0.get_pixel_mut(left + x, top + y), pixel.0, amount);
            }
        }
    }

    /// The same picture in another size.
    pub fn resized(&self, width: u32, height: u32) -> Self {
        Self(image::imageops::thumbnail(&self.0, width, height))
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

fn blend(pixel: &mut Rgb<u8>, colour: Colour, amount: f32) {
    for (under, over) in pixel.0.iter_mut().zip(colour) {
        *under = (f32::from(*under) + (f32::from(over) - f32::from(*under)) * amount).round() as u8;
    }
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
