//! `purrwall new`: a store of your own, with your goods in it, or with cats to begin with.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use purrwall_gateway::Secret;
use purrwall_gateway::goods::catalogue::CATS;

use crate::commands::output::say;

mod arguments;
mod goods;
mod questions;

pub(crate) use arguments::Arguments;
use arguments::{NAME, PRICE};
use goods::Found;

/// Makes the folder; one that holds anything already is left alone.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let dir = &arguments.dir;
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        let dir = dir.display();
        bail!("the folder {dir} is not empty; name a new one for the store");
    }
    let Arguments {
        ref dir,
        name,
        goods,
        price,
    } = if io::stdin().is_terminal() && io::stdout().is_terminal() {
        questions::answered(arguments, &mut io::stdin().lock(), &mut io::stdout())?
    } else {
        arguments
    };
    // The goods are looked at before anything is made.
    let found = goods.as_deref().map(goods::find).transpose()?;
    let name = name.unwrap_or_else(|| NAME.to_owned());
    let price = price.map_or_else(|| PRICE.to_owned(), |price| price.to_string());

    fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    let items = match &found {
        Some(found) => take(found, &dir.join("goods"), &price)?,
        None => cats(dir, &price)?,
    };
    let secret = dir.join(".purrwall/secret");
    // Another store may have sold at the same node; this one has nothing to lose yet.
    Secret::create(&secret)?;
    let file = dir.join("purrwall.toml");
    let look = if found.is_some() { LOOK } else { BOXES };
    let text = [&head(&name)?, look, &*items, TAIL].concat();
    write(&file, text.as_bytes())?;
    // The secret must not get into a repository.
    write(&dir.join(".gitignore"), b"/.purrwall/\n")?;
    let next = if found.is_some() {
        "Look over the titles, teasers and prices"
    } else {
        "Put your goods into its folder and name them"
    };
    say!(
        "Made the store {}\n\
         {next} in {}, then\n\
         \n    purrwall check --config {2}\n    purrwall --config {2}",
        dir.display(),
        file.display(),
        quoted(&file)
    );
    Ok(())
}

/// Copies the goods, and gives their sections.
fn take(found: &[Found], folder: &Path, price: &str) -> Result<String> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let mut items = String::new();
    for one in found {
        let copy = folder.join(&one.name);
        fs::copy(&one.path, &copy)
            .with_context(|| format!("cannot copy {} to {}", one.path.display(), copy.display()))?;
        let file = format!("goods/{}", one.name);
        items += &section(&one.id, &one.title, "", &file, price)?;
    }
    Ok(items)
}

fn cats(dir: &Path, price: &str) -> Result<String> {
    let folder = dir.join("cats");
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let mut items = String::new();
    for cat in CATS {
        let file = format!("cats/{}.txt", cat.id);
        write(&dir.join(&file), cat.drawing)?;
        items += &section(cat.id, cat.title, cat.teaser, &file, price)?;
    }
    Ok(items)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

fn section(id: &str, title: &str, teaser: &str, file: &str, price: &str) -> Result<String> {
    let [title, teaser, file] = [toml(title)?, toml(teaser)?, toml(file)?];
    Ok(format!(
        "\n[[item]]\nid = \"{id}\"\ntitle = {title}\nteaser = {teaser}\nfile = {file}\n\
         price = \"{price}\"\n"
    ))
}

fn head(name: &str) -> Result<String> {
    // Two stores of one name at one node are still two.
    let mut number = [0; 3];
    getrandom::fill(&mut number).context("the system gives no random numbers")?;
    let number = u32::from_be_bytes([0, number[0], number[1], number[2]]);
    let short: String = goods::plain(name).chars().take(17).collect();
    let id = format!("{}-{number:06x}", short.trim_end_matches('-'));
    let (name, id) = (toml(name)?, toml(id.trim_start_matches('-'))?);
    Ok(format!(
        r#"# The store: who it is, and what it sells. Every key, with its default, is in
# config.example.toml. `purrwall config --config FILE` shows what is in force.

store_name = {name}

# Its own name at lightningd, apart from other stores at the same node. It stays as it is.
store_id = {id}

# lightningd's socket; `lightning-cli getinfo` shows its folder as lightning-dir.
# lightning_rpc = "~/.lightning/bitcoin/lightning-rpc"

# The folder of the built page. Without it, only the API is served.
# frontend = "dist"
"#
    ))
}

/// A string of TOML. JSON's strings are among them.
fn toml(text: &str) -> Result<String> {
    Ok(serde_json::to_string(text)?)
}

/// How a store of the owner's goods looks: as they say.
const LOOK: &str = r##"
# How the store looks. With "preview", small pictures stand before goods that are pictures.
[look]
scene = "card"
# headline = "Pictures of the sea"
# subline = "Each in 24 megapixels, yours in a second or two."
# footer = "By Ada, from her window."
# accent = "#0b6e4f"
# logo = "logo.svg"
# favicon = "favicon.png"
# button = "Take it home"
"##;

/// How a store of the two cats looks.
const BOXES: &str = r#"
# Each item waits in a box in the dark; `card` leaves the box out.
[look]
scene = "box"
"#;

const TAIL: &str = r#"
# More goods: any file in this folder or below.
# [[item]]
# id = "sunset"
# title = "Sunset"
# teaser = "What you show before it is paid for."
# file = "sunset.jpg"
# price = "500 sat"
# valid_for = "30d"
"#;

/// The path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
