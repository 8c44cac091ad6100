//! Finds the built page that goes into the program with the feature `embedded-page`: in the folder that
//! `PURRWALL_PAGE` names, or in `page/`, which the published crate has. A build in the repository has
//! neither, and so no page.

use std::{env, path::Path, path::PathBuf};

fn main() {
    println!("cargo::rustc-check-cfg=cfg(page_inside)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PURRWALL_PAGE");
    if env::var_os("CARGO_FEATURE_EMBEDDED_PAGE").is_none() {
        return;
    }
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
    let named = env::var_os("PURRWALL_PAGE").map(PathBuf::from);
    let page = match named {
        Some(page) if !page.join("index.html").is_file() => {
            let page = page.display();
            println!(
                "cargo::error=PURRWALL_PAGE is {page}, where no index.html is; build the page first"
            );
            return;
        }
        Some(page) => page,
        None if published.is_dir() => published,
        None => return,
    };
    println!("cargo::rerun-if-changed={}", page.display());
    println!("cargo::rustc-env=PAGE_INSIDE={}", page.display());
    println!("cargo::rustc-cfg=page_inside");
}
