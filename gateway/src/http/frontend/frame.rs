//! The frame of the built page, with the owner's words, colours and pictures in it: visitors see them
//! at once, and the program behind the page need not know them.

use shared::api::Scene;

use crate::look::{Look, Picture};
use crate::pages::views::{FAVICON, LOGO, LOOK_CSS};

/// What the frame shows that is the store's own.
pub(super) struct Frame<'a> {
    /// The store's name.
    pub(super) name: &'a str,
    /// Its look.
    pub(super) look: &'a Look,
    /// A script that gives the page a wallet, for development.
    pub(super) webln_script: Option<&'a str>,
}

/// The name that the page is built with.
const BUILT_IN: &str = "Purrwall";

impl Frame<'_> {
    /// Whether the page can be served as it was built.
    pub(super) fn is_built_in(&self) -> bool {
        self.name == BUILT_IN && self.look.is_built_in() && self.webln_script.is_none()
    }

    /// The page with what is the store's own in it. The elements that it goes into have the attribute
    /// `data-look` in `index.html`.
    pub(super) fn put_around(&self, page: &str) -> String {
        let Self { name, look, .. } = self;
        let mut page = Page(page.to_owned());
        page.fill("title", &escape(name));
        page.fill("name", &escape(name));
        let is_box = look.scene == Scene::Box;
        // A store without a headline of its own is headed by its name.
        let headline = look.headline.as_deref().or((!is_box).then_some(name));
        if let Some(headline) = headline {
            page.fill("headline", &own_words(headline));
            let about = format!("{}, over the Lightning Network.", escape(headline));
            page.replace("Buy ASCII cats over the Lightning Network.", &about);
        }
        let words = [("subline", &look.subline), ("footer", &look.footer)];
        for (mark, words) in words {
            if let Some(words) = words {
                page.fill(mark, &own_words(words));
            }
        }
        match &look.logo {
            Some(logo) => {
                let address = address(LOGO, logo);
                page.fill(
                    "logo",
                    &format!("<img class=\"logo\" src=\"{address}\" alt=\"\">"),
                );
            }
            None if is_box => {}
            None => page.fill("logo", ""),
        }
        if let Some(favicon) = look.favicon.as_ref().map(|icon| address(FAVICON, icon)) {
            page.replace_icon(&favicon);
        } else if !is_box {
            page.replace_icon("data:,");
        }
        if let Some([day, night]) = &look.grounds {
            page.replace("#fbf3e4", day);
            page.replace("#17111f", night);
        }
        if !look.css.is_empty() {
            let address = format!("{LOOK_CSS}?v={}", look.css_version());
            // Behind the page's own style sheets, which it corrects.
            page.put_before(
                "</head>",
                &format!("<link rel=\"stylesheet\" href=\"{address}\">"),
            );
        }
        if let Some(script) = self.webln_script {
            let script = escape(script);
            page.put_before("<title", &format!("<script src=\"{script}\"></script>"));
        }
        page.0
    }
}

fn address(path: &str, picture: &Picture) -> String {
    format!("{path}?v={}", picture.version)
}

/// The owner's words, which may be in any language.
fn own_words(text: &str) -> String {
    format!("<span dir=\"auto\">{}</span>", escape(text))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The page's markup, which Trunk may have made smaller: some quotes are gone, and some tags.
struct Page(String);

impl Page {
    /// Puts this into the element with this mark, in place of what is in it.
    fn fill(&mut self, mark: &str, inside: &str) {
        if let Some((start, end)) = self.inside(mark) {
            self.0.replace_range(start..end, inside);
        }
    }

    /// Where the inside of the element with this mark begins and ends.
    fn inside(&self, mark: &str) -> Option<(usize, usize)> {
        let page = &self.0;
        let at = page
            .find(&format!("data-look=\"{mark}\""))
            .or_else(|| page.find(&format!("data-look={mark}")))?;
        let tag = &page[page[..at].rfind('<')? + 1..at];
        let tag = tag.split_ascii_whitespace().next()?;
        let start = at + page[at..].find('>')? + 1;
        let end = start + page[start..].find(&format!("</{tag}>"))?;
        Some((start, end))
    }

    fn replace(&mut self, old: &str, new: &str) {
        self.0 = self.0.replace(old, new);
    }

    /// Puts markup before the first `place`; at the end of the head where the page has no such tag.
    fn put_before(&mut self, place: &str, markup: &str) {
        let end = || self.0.find("<body").or_else(|| self.0.find("<header"));
        if let Some(at) = self.0.find(place).or_else(end) {
            self.0.insert_str(at, markup);
        }
    }

    fn replace_icon(&mut self, address: &str) {
        let found = ["rel=\"icon\"", "rel=icon"];
        let at = found.iter().find_map(|rel| self.0.find(rel));
        if let Some(at) = at
            && let Some(start) = self.0[..at].rfind('<')
            && let Some(length) = self.0[start..].find('>')
        {
            let link = format!("<link rel=\"icon\" href=\"{address}\">");
            self.0.replace_range(start..=start + length, &link);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it is in the repository, and as Trunk's minifier leaves it.
    fn pages() -> [String; 2] {
        let source = include_str!("../../../../index.html").to_owned();
        let small = source
            .replace("data-look=\"headline\"", "data-look=headline")
            .replace("</head>", "")
            .replace("<body>", "");
        [source, small]
    }

    fn picture() -> Picture {
        Picture {
            media_type: "image/png".to_owned(),
            bytes: vec![1],
            version: "0a1b".to_owned(),
        }
    }

    #[test]
    fn the_page_shows_what_is_the_stores_own() {
        let look = Look {
            headline: Some("Pictures <of> the sea".to_owned()),
            subline: Some("By hand".to_owned()),
            footer: Some(String::new()),
            css: ":root{}".to_owned(),
            grounds: Some(["#ffffff".to_owned(), "#000000".to_owned()]),
            logo: Some(picture()),
            favicon: Some(picture()),
            ..Look::default()
        };
        let frame = Frame {
            name: "By the sea & more",
            look: &look,
            webln_script: None,
        };
        assert!(!frame.is_built_in());
        for page in pages() {
            let page = frame.put_around(&page);
            for there in [
                ">By the sea &amp; more</title>",
                "><span dir=\"auto\">Pictures &lt;of&gt; the sea</span></h1>",
                "<span dir=\"auto\">By hand</span>",
                "<img class=\"logo\" src=\"/look/logo?v=0a1b\" alt=\"\">",
                "<link rel=\"icon\" href=\"/look/favicon?v=0a1b\">",
                "<link rel=\"stylesheet\" href=\"/look.css?v=",
                "#000000",
            ] {
                assert!(page.contains(there), "{there} is missing in {page}");
            }
            for gone in [
                "Pick a box",
                "Purrwall<",
                "cats",
                "Your browser checks",
                "#fbf3e4",
            ] {
                assert!(!page.contains(gone), "{gone} is left in {page}");
            }
            let (style, body) = (page.find("/look.css"), page.find("<header"));
            assert!(style < body, "the style is not in the head");
        }
    }

    #[test]
    fn a_store_of_its_own_is_no_cat_shop_though_it_says_nothing() {
        let look = Look::default();
        let frame = Frame {
            name: "By the sea",
            look: &look,
            webln_script: None,
        };
        for page in pages() {
            let page = frame.put_around(&page);
            assert!(
                page.contains("<span dir=\"auto\">By the sea</span></h1>"),
                "{page}"
            );
            assert!(
                !page.contains("class=\"logo\"") && !page.contains("Pick a box"),
                "{page}"
            );
        }
    }
}
