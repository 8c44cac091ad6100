//! The style sheets that several pages share: the store's page, the widget, the gateway's plain page
//! and the development network's page.

/// The design tokens, and the wall in front of an item.
pub const WALL: &str = include_str!("../looks/wall.css");

/// The page around the walls: header, hero, shelf, cards with ears. It uses the tokens of [`WALL`].
pub const PAGE: &str = include_str!("../looks/page.css");

/// The line of [`WALL`] that ends the tokens.
const END_OF_TOKENS: &str = "/* ---- The wall ---- */";

/// The design tokens alone: custom properties for colours, fonts and measures.
pub fn tokens() -> &'static str {
    WALL.split(END_OF_TOKENS).next().unwrap_or_default()
}

/// The light colours, for browsers that do not know `light-dark()`. It goes behind [`WALL`].
pub fn light_only() -> String {
    let light = tokens().lines().filter_map(|line| {
        let (name, values) = line.split_once("light-dark(")?;
        let (light, _) = values.split_once(',')?;
        Some(format!("{name}{light};\n"))
    });
    let light: String = light.collect();
    format!(
        "@supports not (color: light-dark(#000, #fff)) {{\n:root {{\ncolor-scheme: light;\n{light}}}\n}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokens_are_the_beginning_of_the_walls_style() {
        assert!(tokens().contains("--purr-accent:") && !tokens().contains(".wall {"));
        assert!(WALL.contains(END_OF_TOKENS));
    }

    #[test]
    fn old_browsers_get_every_colour_in_its_light_form() {
        let light = light_only();
        assert!(light.contains("--purr-paper: #fbf3e4;\n"), "{light}");
        let colours = tokens().matches("light-dark(").count();
        assert_eq!(light.matches("--purr-").count(), colours);
        assert_eq!(light.matches("light-dark").count(), 1, "{light}");
    }
}
