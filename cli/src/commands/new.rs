//! `purrwall new`: a store of your own, with cats in it to begin with.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use purrwall_gateway::Secret;
use purrwall_gateway::goods::catalogue::CATS;

/// Makes the folder; one that holds anything already is left alone.
pub(crate) fn run(dir: &Path) -> Result<()> {
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        let dir = dir.display();
        bail!("the folder {dir} is not empty; name a new one for the store");
    }
    let cats = dir.join("cats");
    fs::create_dir_all(&cats)
        .with_context(|| format!("cannot make the folder {}", cats.display()))?;
    let file = dir.join("purrwall.toml");
    let write = |path: &Path, bytes: &[u8]| {
        fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
    };
    write(&file, store_file().as_bytes())?;
    // The secret must not get into a repository.
    write(&dir.join(".gitignore"), b"/.purrwall/\n")?;
    // Another store may have sold at the same node; this one has nothing to lose yet.
    Secret::create(&dir.join(".purrwall/secret"))?;
    for cat in CATS {
        write(&cats.join(format!("{}.txt", cat.id)), cat.drawing)?;
    }
    println!(
        "Made the store {}\n\
         Put your goods into its folder and name them in {}, then\n\
         \n    purrwall check --config {2}\n    purrwall --config {2}",
        dir.display(),
        file.display(),
        quoted(&file)
    );
    Ok(())
}

fn store_file() -> String {
    let cats = CATS.map(|cat| {
        let (id, title, teaser) = (cat.id, cat.title, cat.teaser);
        format!(
            "\n[[item]]\nid = {id:?}\ntitle = {title:?}\nteaser = {teaser:?}\n\
             file = \"cats/{id}.txt\"\nprice = \"100 sat\"\n"
        )
    });
    [HEAD, &cats.concat(), TAIL].concat()
}

const HEAD: &str = r#"# The store: who it is, and what it sells. Every key, with its default, is in
# config.example.toml. `purrwall config --config FILE` shows what is in force.

store_name = "My cat store"

# lightningd's socket; `lightning-cli getinfo` shows its folder as lightning-dir.
# lightning_rpc = "~/.lightning/bitcoin/lightning-rpc"

# The folder of the built page. Without it, only the API is served.
# frontend = "dist"
"#;

const TAIL: &str = r#"
# Your own goods: any file in this folder or below.
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
