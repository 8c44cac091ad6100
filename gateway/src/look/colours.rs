//! A store's own colours: the owner names up to three, and the others follow from them, so that
//! everything stays readable.

use std::fmt;
use std::str::FromStr;

/// A colour of a screen (sRGB).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour([u8; 3]);

/// A colour by day, and the one by night where the owner names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    light: Colour,
    dark: Option<Colour>,
}

/// The colours that an owner names. What is not named stays as it is built in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Colours {
    /// Of the main button.
    pub accent: Option<Pair>,
    /// Of the ground.
    pub paper: Option<Pair>,
    /// Of the text.
    pub ink: Option<Pair>,
}

/// The text is no colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a colour; write one such as \"#0b6e4f\", or two for day and night: \"#0b6e4f #7fd0bb\""
)]
pub struct ColourError;

/// The least contrast at which people read text, and at which they see large letters (WCAG 2.2).
const READABLE: f64 = 4.5;
const VISIBLE: f64 = 3.0;

/// The colours by day or by night.
#[derive(Clone, Copy)]
struct Palette {
    paper: Colour,
    ink: Colour,
    accent: Colour,
}

/// What is built in; shared/looks/wall.css has the same.
const DAY: Palette = Palette {
    paper: Colour([0xfb, 0xf3, 0xe4]),
    ink: Colour([0x2a, 0x1b, 0x2e]),
    accent: Colour([0xb9, 0x47, 0x0b]),
};
const NIGHT: Palette = Palette {
    paper: Colour([0x17, 0x11, 0x1f]),
    ink: Colour([0xf7, 0xed, 0xdf]),
    accent: Colour([0xff, 0xa8, 0x57]),
};
const WHITE: Colour = Colour([255; 3]);
const BLACK: Colour = Colour([0; 3]);

impl Colours {
    /// What people could not read, with the remedy; `None` where all is well.
    pub fn unreadable(&self) -> Option<String> {
        let palettes = [("", self.day()), (" by night", self.night())];
        palettes.into_iter().find_map(|(when, palette)| {
            let Palette { paper, ink, accent } = palette;
            let told = |what: &str, colour: Colour, least: f64| {
                let contrast = colour.contrast(paper);
                (contrast < least).then(|| {
                    format!(
                        "people cannot read the {what} {colour} on the paper {paper}{when}: the \
                         contrast is {contrast:.1} to 1, and has to be {least} to 1; choose colours \
                         that differ more"
                    )
                })
            };
            told("ink", ink, READABLE).or_else(|| told("accent", accent, VISIBLE))
        })
    }

    /// The custom properties that differ from what is built in; empty where none does.
    pub(crate) fn css(&self) -> String {
        let (day, night) = (self.day(), self.night());
        let mut tokens: Vec<(&str, Colour, Colour)> = Vec::new();
        let mut both = |name, of: fn(Palette) -> Colour| tokens.push((name, of(day), of(night)));
        if self.paper.is_some() || self.ink.is_some() {
            both("paper", |palette| palette.paper);
            both("card", Palette::card);
            both("ink", |palette| palette.ink);
            both("soft", Palette::soft);
            both("line", |palette| palette.paper.towards(palette.ink, 14));
        }
        if self.accent.is_some() {
            both("accent", |palette| palette.accent);
            both("on-accent", |palette| palette.accent.text_on());
            both("accent-deep", |palette| palette.accent.towards(BLACK, 22));
        }
        if tokens.is_empty() {
            return String::new();
        }
        let pairs = tokens
            .iter()
            .fold(String::new(), |css, (name, light, dark)| {
                css + &format!("--purr-{name}:light-dark({light},{dark});")
            });
        // For browsers that do not know `light-dark()`.
        let lights = tokens.iter().fold(String::new(), |css, (name, light, _)| {
            css + &format!("--purr-{name}:{light};")
        });
        format!(
            ":root{{{pairs}}}\n@supports not (color: light-dark(#000, #fff)){{:root{{{lights}}}}}\n"
        )
    }

    /// The ground by day and by night.
    pub(crate) fn grounds(&self) -> [Colour; 2] {
        [self.day().paper, self.night().paper]
    }

    fn day(&self) -> Palette {
        let light = |pair: Option<Pair>, built_in| pair.map_or(built_in, |pair| pair.light);
        Palette {
            paper: light(self.paper, DAY.paper),
            ink: light(self.ink, DAY.ink),
            accent: light(self.accent, DAY.accent),
        }
    }

    fn night(&self) -> Palette {
        let dark =
            |pair: Option<Pair>, built_in| pair.and_then(|pair| pair.dark).unwrap_or(built_in);
        let paper = dark(self.paper, NIGHT.paper);
        let accent = match self.accent {
            None => NIGHT.accent,
            Some(Pair {
                dark: Some(dark), ..
            }) => dark,
            Some(Pair { light, .. }) => light.readable_on(paper),
        };
        Palette {
            paper,
            ink: dark(self.ink, NIGHT.ink),
            accent,
        }
    }
}

impl Palette {
    /// The ground of cards: a little lighter than the paper.
    fn card(self) -> Colour {
        let is_light = self.paper.luminance() > 0.5;
        self.paper.towards(WHITE, if is_light { 60 } else { 6 })
    }

    /// Text of lesser weight: as pale as can still be read on paper and cards.
    fn soft(self) -> Colour {
        let readable = |colour: &Colour| {
            [self.paper, self.card()]
                .iter()
                .all(|ground| colour.contrast(*ground) >= READABLE)
        };
        (0..=30)
            .rev()
            .map(|percent| self.ink.towards(self.paper, percent))
            .find(readable)
            .unwrap_or(self.ink)
    }
}

impl Colour {
    /// So many per cent of the way to another colour.
    fn towards(self, other: Self, percent: u32) -> Self {
        let mix = |index: usize| {
            let (from, to) = (u32::from(self.0[index]), u32::from(other.0[index]));
            let mixed = (from * (100 - percent) + to * percent + 50) / 100;
            u8::try_from(mixed).expect("it lies between two bytes")
        };
        Self([mix(0), mix(1), mix(2)])
    }

    /// This colour, or the nearest lighter or darker one that can be read on `ground`.
    fn readable_on(self, ground: Self) -> Self {
        let end = ground.text_on();
        (0..=100)
            .map(|percent| self.towards(end, percent))
            .find(|colour| colour.contrast(ground) >= READABLE)
            .unwrap_or(end)
    }

    /// White or black, whichever can be read better on this colour.
    fn text_on(self) -> Self {
        if self.contrast(WHITE) >= self.contrast(BLACK) {
            WHITE
        } else {
            BLACK
        }
    }

    /// From 1 to 21, as WCAG 2.2 defines the contrast ratio.
    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// From 0 to 1, as WCAG 2.2 defines the relative luminance.
    fn luminance(self) -> f64 {
        let linear = |byte: u8| {
            let part = f64::from(byte) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl FromStr for Colour {
    type Err = ColourError;
    fn from_str(text: &str) -> Result<Self, ColourError> {
        let digits = text.strip_prefix('#').ok_or(ColourError)?;
        let digits: Vec<u8> = digits
            .chars()
            .map(|digit| {
                digit
                    .to_digit(16)
                    .and_then(|digit| u8::try_from(digit).ok())
            })
            .collect::<Option<_>>()
            .ok_or(ColourError)?;
        match digits[..] {
            [r, g, b] => Ok(Self([r * 17, g * 17, b * 17])),
            _ if digits.len() == 6 => {
                let byte = |index: usize| digits[index] * 16 + digits[index + 1];
                Ok(Self([byte(0), byte(2), byte(4)]))
            }
            _ => Err(ColourError),
        }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl FromStr for Pair {
    type Err = ColourError;
    fn from_str(text: &str) -> Result<Self, ColourError> {
        let mut colours = text.split_whitespace().map(str::parse);
        let light = colours.next().ok_or(ColourError)??;
        let dark = colours.next().transpose()?;
        match colours.next() {
            None => Ok(Self { light, dark }),
            Some(_) => Err(ColourError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colours(accent: &str, paper: &str, ink: &str) -> Colours {
        let pair = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
        Colours {
            accent: pair(accent),
            paper: pair(paper),
            ink: pair(ink),
        }
    }

    #[test]
    fn a_colour_has_three_or_six_digits() {
        let written = |text: &str| text.parse::<Colour>().map(|colour| colour.to_string());
        assert_eq!(written("#0B6e4F"), Ok("#0b6e4f".into()));
        assert_eq!(written("#fa0"), Ok("#ffaa00".into()));
        for wrong in ["", "#", "0b6e4f", "#0b6e4", "#0b6e4g", "red", "#é1"] {
            assert_eq!(written(wrong), Err(ColourError), "{wrong}");
        }
        assert!("#fff #000 #111".parse::<Pair>().is_err());
    }

    #[test]
    fn what_is_built_in_is_what_the_style_sheet_has() {
        let tokens = shared::styles::tokens();
        for (name, day, night) in [
            ("paper", DAY.paper, NIGHT.paper),
            ("ink", DAY.ink, NIGHT.ink),
            ("accent", DAY.accent, NIGHT.accent),
        ] {
            let line = format!("--purr-{name}: light-dark({day}, {night});");
            assert!(tokens.contains(&line), "{line}");
        }
    }

    #[test]
    fn contrast_is_what_wcag_says() {
        assert!((WHITE.contrast(BLACK) - 21.0).abs() < 0.001);
        let grey: Colour = "#767676".parse().unwrap();
        assert!((grey.contrast(WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn nothing_named_changes_nothing() {
        assert_eq!(Colours::default().css(), "");
        assert_eq!(Colours::default().unreadable(), None);
    }

    #[test]
    fn an_accent_brings_its_text_and_a_form_for_the_night() {
        let css = colours("#0b6e4f", "", "").css();
        assert!(
            css.contains("--purr-on-accent:light-dark(#ffffff,#000000);"),
            "{css}"
        );
        assert!(css.contains("--purr-accent:light-dark(#0b6e4f,"), "{css}");
        assert!(
            !css.contains("--purr-accent:light-dark(#0b6e4f,#0b6e4f)"),
            "{css}"
        );
        assert!(!css.contains("--purr-paper"), "{css}");
    }

    #[test]
    fn what_follows_can_be_read() {
        for (paper, ink) in [
            ("#fff #000", "#222 #eee"),
            ("#e8f0ff", "#4a4a5a"),
            ("#123", "#eee"),
        ] {
            let colours = colours("#0b6e4f", paper, ink);
            for palette in [colours.day(), colours.night()] {
                if palette.ink.contrast(palette.paper) >= READABLE {
                    assert!(
                        palette.soft().contrast(palette.paper) >= READABLE,
                        "{paper} {ink}"
                    );
                }
                let accent = palette.accent;
                assert!(accent.text_on().contrast(accent) >= READABLE);
            }
        }
    }

    #[test]
    fn colours_that_cannot_be_read_are_told() {
        let told = colours("", "#ffffff", "#cccccc").unreadable().unwrap();
        assert!(
            told.contains("the ink #cccccc on the paper #ffffff: the contrast is 1.6"),
            "{told}"
        );
        let told = colours("#ffee00", "", "").unreadable().unwrap();
        assert!(told.contains("accent"), "{told}");
        let told = colours("#0b6e4f #000001", "", "").unreadable().unwrap();
        assert!(told.contains("by night"), "{told}");
    }
}
