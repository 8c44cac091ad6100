//! The drawings, as SVG markup that pages put in as it is. Style sheets colour them
//! ([`crate::styles`]).

use crate::content::ContentHash;

/// A cat's face whose forehead is a bolt of lightning.
pub const LOGO: &str = include_str!("../looks/logo.svg");

/// The same face as a page's icon, with its own colours.
pub const ICON: &str = include_str!("../looks/icon.svg");

/// A bolt of lightning, as large as a letter.
pub const BOLT: &str = include_str!("../looks/bolt.svg");

/// A tick, for what was checked.
pub const TICK: &str = concat!(
    r#"<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">"#,
    r#"<path d="M6.4 13.3 1.6 8.6l1.8-1.8 3 2.9 6.3-6.6 1.8 1.8z"/></svg>"#,
);

/// A paw print.
pub const PAW: &str = concat!(
    r#"<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">"#,
    r#"<ellipse cx="2.6" cy="7" rx="1.7" ry="2.2"/><ellipse cx="6" cy="3.4" rx="1.8" ry="2.4"/>"#,
    r#"<ellipse cx="10" cy="3.4" rx="1.8" ry="2.4"/><ellipse cx="13.4" cy="7" rx="1.7" ry="2.2"/>"#,
    r#"<path d="M8 7.6c-2.6 0-4.9 2.7-4.9 4.9 0 1.7 1.3 2.3 2.7 2.3.9 0 1.4-.4 2.2-.4s1.3.4 "#,
    r#"2.2.4c1.4 0 2.7-.6 2.7-2.3 0-2.2-2.3-4.9-4.9-4.9z"/></svg>"#,
);

/// A box in the dark with a cat in it, from back to front. The style sheet opens the box, and lets
/// the cat blink. It stands in an element with the classes of [`box_classes`].
pub const BOX: &str = include_str!("../looks/box.svg");

/// The classes of the box that holds the goods with this hash. They differ from item to item and give
/// nothing away, since the hash is all that they are made from.
pub fn box_classes(sha256: ContentHash) -> String {
    let [.., tail, blink, eyes] = sha256.0;
    [
        "box",
        ["eyes-amber", "eyes-green", "eyes-blue", "eyes-copper"][usize::from(eyes % 4)],
        ["blink-1", "blink-2", "blink-3"][usize::from(blink % 3)],
        ["tail-left", "tail-right"][usize::from(tail % 2)],
    ]
    .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::styles::WALL;

    #[test]
    fn the_icon_is_the_logo() {
        let paths = |svg: &'static str| {
            svg.split(" d=\"")
                .skip(1)
                .map(|rest| rest.split('"').next())
        };
        let logo: Vec<_> = paths(LOGO).take(3).collect();
        assert_eq!(paths(ICON).collect::<Vec<_>>(), logo, "face, bolt and eyes");
    }

    #[test]
    fn the_last_bytes_of_the_hash_choose_the_cat() {
        let mut sha256 = ContentHash([0; 32]);
        assert_eq!(box_classes(sha256), "box eyes-amber blink-1 tail-left");
        sha256.0[29..].copy_from_slice(&[1, 2, 3]);
        assert_eq!(box_classes(sha256), "box eyes-copper blink-3 tail-right");
    }

    #[test]
    fn the_style_sheet_colours_every_part_of_the_box() {
        let classes = BOX.split("class=\"").skip(1);
        for class in classes.filter_map(|rest| rest.split(['"', ' ']).next()) {
            assert!(WALL.contains(&format!(".{class}")), "no rule for {class}");
        }
    }
}
