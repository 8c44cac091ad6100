//! A stranger's store looks like a stranger's store: its words, colours and pictures, on every page.

use std::collections::HashSet;
use std::fs;
use std::process::Stdio;

use image::{ImageReader, Rgb, RgbImage};
use shared::api::Scene;

use testing::nodes::{nodes, run};

use crate::own_store::{Folder, OwnStore, header, purrwall, section, text};

/// What browsers send.
const BROWSER: (&str, &str) = ("accept", "text/html,*/*;q=0.8");

const LOOK: &str = r##"
[look]
headline = "Pictures <of> the sea"
subline = "Each in 24 megapixels."
footer = "By Ada."
accent = "#0b6e4f"
paper = "#f4f8f6 #101a17"
ink = "#16241f #e6f0ec"
logo = "logo.svg"
favicon = "logo.svg"
scene = "preview"
wallets = "wallets.txt"
button = "Take it home"
button_de = "Mitnehmen"
"##;

/// A store with a picture, a text, and a song that has a cover.
fn folder() -> Folder {
    let mut sections = "store_name = \"By the sea\"\n".to_owned() + LOOK;
    for (id, more) in [
        ("sunset.jpg", ""),
        ("story.txt", "scene = \"box\"\nbutton = \"Read on\""),
        ("song.mp3", "preview = \"cover.png\""),
    ] {
        let name = id.split_once('.').unwrap().0;
        let section = section(name, "21 sat", more);
        sections += &section.replace(&format!("file = \"{name}\""), &format!("file = \"{id}\""));
    }
    let folder = Folder::new(&sections);
    let picture = RgbImage::from_fn(1200, 900, |x, y| {
        let byte = |number: u32| u8::try_from(number % 256).unwrap();
        Rgb([byte(x * 7), byte(y * 13), byte(x ^ y)])
    });
    picture.save(folder.path("sunset.jpg")).unwrap();
    let cover = RgbImage::from_pixel(300, 300, Rgb([9, 9, 90]));
    cover.save(folder.path("cover.png")).unwrap();
    folder.put("story.txt", b"Once upon a time");
    folder.put("song.mp3", b"la la la");
    folder.put(
        "logo.svg",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"><path/></svg>",
    );
    folder.put("wallets.txt", b"Mine; Linux; https://mine.example\n");
    folder
}

#[test]
fn the_plain_pages_are_the_owners() {
    run(async {
        let store = OwnStore::open(&folder()).await;
        let shelf = text(&store.get("/buy", &[]));
        for there in [
            "<h1 dir=\"auto\">Pictures &lt;of&gt; the sea</h1>",
            "Each in 24 megapixels.",
            "<p dir=\"auto\">By Ada.</p>",
            "src=\"/look/logo?v=",
            "rel=\"icon\" href=\"/look/favicon?v=",
            "src=\"/api/v1/items/sunset/preview\"",
            "<title>Plain page · By the sea</title>",
        ] {
            assert!(shelf.contains(there), "{there} is missing in {shelf}");
        }
        assert!(!shelf.contains("Pick a box"), "{shelf}");
        let css = shelf.split("href=\"/look.css?v=").nth(1).unwrap();
        let css = css.split('"').next().unwrap();
        let css = store.get(&format!("/look.css?v={css}"), &[]);
        assert!(header(&css, "cache-control").contains("immutable"));
        assert!(text(&css).contains("--purr-accent:light-dark(#0b6e4f,"));
        let logo = store.get("/look/logo", &[]);
        assert_eq!(header(&logo, "content-type"), "image/svg+xml");
        assert!(header(&logo, "content-security-policy").contains("sandbox"));

        let offer = text(&store.get("/buy/sunset", &[BROWSER]));
        assert!(offer.contains(">Take it home</button>"), "{offer}");
        let boxed = text(&store.get("/buy/story", &[BROWSER]));
        assert!(boxed.contains(">Read on</button>") && boxed.contains("class=\"box "));

        // The help speaks the visitor's language, and names the owner's wallets.
        let german = text(&store.get("/buy/sunset", &[BROWSER, ("accept-language", "de-AT,en")]));
        assert!(
            german.contains("<summary>Neu bei Lightning?</summary>"),
            "{german}"
        );
        assert!(
            german.contains("<a href=\"https://mine.example\""),
            "{german}"
        );
        let help = text(&store.get("/help/de.json", &[]));
        assert!(
            help.contains("https://mine.example") && !help.contains("phoenix"),
            "{help}"
        );
        assert_eq!(store.get("/help/tlh.json", &[]).status(), 404);
    });
}

#[test]
fn the_catalogue_says_what_stands_before_each_item() {
    run(async {
        let store = OwnStore::open(&folder()).await;
        let offers = store.offers();
        let scenes: Vec<_> = offers.iter().map(|item| item.scene).collect();
        assert_eq!(scenes, [Scene::Preview, Scene::Box, Scene::Preview]);
        let words: Vec<_> = offers.iter().map(|item| item.word("de").unwrap()).collect();
        assert_eq!(words, ["Mitnehmen", "Read on", "Mitnehmen"]);
    });
}

#[test]
fn no_more_than_the_preview_leaves_the_gateway() {
    run(async {
        let folder = folder();
        let store = OwnStore::open(&folder).await;
        let goods = fs::read(folder.path("sunset.jpg")).unwrap();
        let preview = store.get("/api/v1/items/sunset/preview", &[]);
        assert_eq!(header(&preview, "content-type"), "image/jpeg");
        assert_eq!(
            header(&preview, "cross-origin-resource-policy"),
            "cross-origin"
        );
        let bytes = preview.body();
        assert!(
            bytes.len() < goods.len() / 4,
            "{} of {}",
            bytes.len(),
            goods.len()
        );
        let size = |bytes: &[u8]| {
            let reader = ImageReader::new(std::io::Cursor::new(bytes));
            let reader = reader.with_guessed_format().unwrap();
            reader.into_dimensions().unwrap()
        };
        assert_eq!(size(bytes), (400, 300));
        // No run of the goods' bytes is in it.
        let runs: HashSet<_> = goods.windows(24).step_by(24).skip(30).collect();
        let shared = bytes.windows(24).filter(|run| runs.contains(run));
        assert_eq!(shared.count(), 0);

        let cover = store.get("/api/v1/items/song/preview", &[]);
        assert_eq!(size(cover.body()), (300, 300));
        assert_eq!(store.get("/api/v1/items/story/preview", &[]).status(), 404);
        assert_eq!(store.get("/api/v1/items/dog/preview", &[]).status(), 404);
        let content = store.get("/api/v1/items/sunset/content", &[]);
        assert_eq!(content.status(), 402);
    });
}

#[test]
fn a_look_that_cannot_be_used_is_told_with_the_remedy() {
    run(async {
        let socket = &nodes().await.store;
        let told = |look: &str| {
            let folder = Folder::new(&format!("{look}\n{}", section("cat", "1 sat", "")));
            folder.put("cat", b"meow");
            folder.put("meow.txt", b"meow");
            folder.put("broken.jpg", b"meow");
            let mut check = purrwall(&["check"], &folder.file(), socket);
            let output = check.stdout(Stdio::piped()).output().unwrap();
            assert!(!output.status.success());
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
        };
        for (look, remedy) in [
            ("ink = \"#fff\"", "choose colours that differ more"),
            ("accent = \"green\"", "is not a colour; write one such as"),
            (
                "scene = \"shelf\"",
                "write \"box\", \"card\" or \"preview\"",
            ),
            (
                "logo = \"meow.txt\"",
                "is not a picture; name a file in SVG",
            ),
            ("logo = \"../meow.png\"", "cannot read this file"),
            ("logo = \"purrwall.toml\"", "can be neither sold nor shown"),
            ("wallets = \"meow.txt\"", "line 1 is not a wallet"),
            ("headlin = \"x\"", "did you mean headline?"),
        ] {
            let told = told(&format!("[look]\n{look}"));
            assert!(told.contains(remedy), "{look}: {told}");
        }
        let preview = "scene = \"preview\"\npreview = \"broken.jpg\"";
        let folder = Folder::new(&section("cat", "1 sat", preview));
        folder.put("cat", b"meow");
        folder.put("broken.jpg", b"meow");
        let output = purrwall(&["check"], &folder.file(), socket)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(told.contains("name a picture in JPEG"), "{told}");
    });
}
