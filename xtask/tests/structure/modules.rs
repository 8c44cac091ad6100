//! The modules of a crate and what each names of the others, read from the sources.
//!
//! Paths are resolved as far as modules need it: through `crate`, `self`, `super`, child modules,
//! `use` declarations and re-exports. What stands in macros counts, too. Calls of methods are not
//! seen, since they name no module. Code under `#[cfg(test)]` is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, ImplItem, Item, TraitItem, Visibility};

/// A module's path below its crate's root, whose own path is empty.
pub(crate) type ModulePath = Vec<String>;

/// For each module and each other that it names: the names.
pub(crate) type Uses = BTreeMap<ModulePath, BTreeMap<ModulePath, BTreeSet<String>>>;

/// A crate's modules.
#[derive(Default)]
pub(crate) struct Modules(BTreeMap<ModulePath, Module>);

/// What a module's source says.
#[derive(Default)]
struct Module {
    /// The paths that its code names.
    paths: Vec<Vec<String>>,
    /// What a name stands for by a `use` declaration.
    imports: BTreeMap<String, Vec<String>>,
    /// What it imports whole: `use path::*`.
    globs: Vec<Vec<String>>,
    /// What it defines itself.
    items: BTreeSet<String>,
    /// The public modules that `#[doc(hidden)]` hides.
    hidden: Vec<String>,
}

impl Modules {
    /// Reads a crate from its first file on.
    pub(crate) fn read(root: &Path) -> Self {
        let mut modules = Self::default();
        let dir = root.parent().unwrap();
        modules.read_file(root, dir, Vec::new());
        modules
    }

    /// All uses of one module by another.
    pub(crate) fn uses(&self) -> Uses {
        let mut uses = Uses::new();
        for (here, module) in &self.0 {
            let named = module.paths.iter().chain(module.imports.values());
            for path in named.chain(&module.globs) {
                let Some((there, name)) = self.resolve(here, path, 0) else {
                    continue;
                };
                if there != *here {
                    let of_this = uses.entry(here.clone()).or_default();
                    of_this.entry(there).or_default().insert(name);
                }
            }
        }
        uses
    }

    /// The public modules that no documentation shows.
    pub(crate) fn hidden(&self) -> Vec<String> {
        let all = self.0.iter().flat_map(|(path, module)| {
            let names = module.hidden.iter();
            names.map(move |name| {
                [path.as_slice(), std::slice::from_ref(name)]
                    .concat()
                    .join("::")
            })
        });
        all.collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The module in which the path's last name is defined, and that name. `None` for what lies in
    /// other crates.
    fn resolve(
        &self,
        here: &ModulePath,
        path: &[String],
        depth: usize,
    ) -> Option<(ModulePath, String)> {
        // Two modules may import everything from each other.
        if depth > 8 {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let mut place = here.clone();
        let rest = match first.as_str() {
            "crate" => {
                place.clear();
                rest
            }
            "self" => rest,
            "super" => {
                place.pop()?;
                rest
            }
            name if self.has_child(here, name) => path,
            name => {
                let import = self.0[here].imports.get(name)?;
                // `use serde::Serialize` makes `Serialize` a name of another crate.
                if import.first() == Some(first) {
                    return None;
                }
                let path = [import, rest].concat();
                return self.resolve(here, &path, depth + 1);
            }
        };
        let mut name = place.last().cloned().unwrap_or_else(|| "crate".into());
        for (index, segment) in rest.iter().enumerate() {
            name.clone_from(segment);
            if segment == "super" {
                place.pop()?;
            } else if self.has_child(&place, segment) {
                place.push(segment.clone());
            } else {
                return Some(self.defined(&place, &rest[index..], depth));
            }
        }
        Some((place, name))
    }

    /// Follows re-exports from a module to the one that defines the name.
    fn defined(&self, place: &ModulePath, rest: &[String], depth: usize) -> (ModulePath, String) {
        let module = &self.0[place];
        let name = &rest[0];
        let by_name = module
            .imports
            .get(name)
            .map(|path| [path, &rest[1..]].concat());
        let by_glob = (module.globs.iter()).map(|path| [path.as_slice(), rest].concat());
        let candidates = by_name.into_iter().chain(by_glob);
        let mut found = candidates.filter_map(|path| self.resolve(place, &path, depth + 1));
        let elsewhere = found.find(|(place, name)| self.0[place].items.contains(name));
        match elsewhere {
            Some(elsewhere) if !module.items.contains(name) => elsewhere,
            _ => (place.clone(), name.clone()),
        }
    }

    fn has_child(&self, place: &ModulePath, name: &str) -> bool {
        let child = [place.as_slice(), &[name.to_owned()]].concat();
        self.0.contains_key(&child)
    }

    /// `dir` is where the files of its child modules lie.
    fn read_file(&mut self, file: &Path, dir: &Path, path: ModulePath) {
        let text = fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
        let parsed = syn::parse_file(&text)
            .unwrap_or_else(|error| panic!("cannot parse {}: {error}", file.display()));
        self.read_items(parsed.items, dir, path);
    }

    fn read_items(&mut self, items: Vec<Item>, dir: &Path, path: ModulePath) {
        let mut module = Module::default();
        for item in items {
            if is_for_tests(attributes(&item)) {
                continue;
            }
            match item {
                Item::Mod(child) => {
                    let name = child.ident.to_string();
                    if is_hidden(&child.attrs) && matches!(child.vis, Visibility::Public(_)) {
                        module.hidden.push(name.clone());
                    }
                    let dir = dir.join(&name);
                    let path = [path.as_slice(), &[name]].concat();
                    match child.content {
                        Some((_, items)) => self.read_items(items, &dir, path),
                        None => self.read_file(&file_of(&dir), &dir, path),
                    }
                }
                Item::Use(declaration) => {
                    for (path, name) in leaves(declaration.tree.to_token_stream()) {
                        if name == "*" {
                            module.globs.push(path);
                        } else {
                            module.imports.insert(name, path);
                        }
                    }
                }
                mut item => {
                    module.items.extend(name_of(&item));
                    without_tests(&mut item);
                    let found = leaves(item.to_token_stream()).into_iter();
                    module
                        .paths
                        .extend(found.map(|(path, _)| path).filter(|path| path.len() > 1));
                }
            }
        }
        self.0.insert(path, module);
    }
}

/// `dir.rs` or `dir/mod.rs`.
fn file_of(dir: &Path) -> PathBuf {
    let beside = dir.with_extension("rs");
    if beside.is_file() {
        beside
    } else {
        dir.join("mod.rs")
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Removes methods that only tests have.
fn without_tests(item: &mut Item) {
    if let Item::Impl(block) = item {
        block.items.retain(|item| match item {
            ImplItem::Const(item) => !is_for_tests(&item.attrs),
            ImplItem::Fn(item) => !is_for_tests(&item.attrs),
            _ => true,
        });
    }
    if let Item::Trait(block) = item {
        block.items.retain(|item| match item {
            TraitItem::Fn(item) => !is_for_tests(&item.attrs),
            _ => true,
        });
    }
}

/// Whether `#[cfg(test)]` or `#[cfg(all(test, …))]` stands there. `any(…)` and `not(…)` are taken for
/// code that others compile, too.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    let mut cfgs = attributes
        .iter()
        .filter(|found| found.path().is_ident("cfg"));
    cfgs.any(|cfg| {
        let text = cfg.meta.to_token_stream().to_string();
        let words: Vec<_> = text
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .collect();
        words.contains(&"test") && !words.contains(&"not") && !words.contains(&"any")
    })
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    let mut docs = attributes
        .iter()
        .filter(|found| found.path().is_ident("doc"));
    docs.any(|doc| doc.meta.to_token_stream().to_string().contains("hidden"))
}

/// All paths among the tokens, each with the name that a `use` declaration would give it: of
/// `a::{b, c as d, e::*}` they are `a::b` as `b`, `a::c` as `d` and `a::e` as `*`.
fn leaves(tokens: TokenStream) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    collect(tokens, &[], &mut found);
    found
}

fn collect(tokens: TokenStream, prefix: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let mut path = prefix.to_vec();
        match token {
            TokenTree::Ident(first) => path.push(first.to_string()),
            TokenTree::Punct(punct) if punct.as_char() == '*' && !prefix.is_empty() => {
                found.push((path, "*".into()));
                continue;
            }
            TokenTree::Group(group) => {
                collect(group.stream(), &[], found);
                continue;
            }
            _ => continue,
        }
        // What follows `::`: another name, a group of names, a glob or the arguments of a generic.
        let mut is_whole = true;
        while is_punct(tokens.peek(), ':') {
            let mut ahead = tokens.clone();
            ahead.next();
            if !is_punct(ahead.peek(), ':') {
                break;
            }
            ahead.next();
            match ahead.peek() {
                Some(TokenTree::Ident(name)) => path.push(name.to_string()),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    collect(group.stream(), &path, found);
                    is_whole = false;
                }
                Some(TokenTree::Punct(punct)) if punct.as_char() == '*' => {
                    found.push((path.clone(), "*".into()));
                    is_whole = false;
                }
                _ => break,
            }
            ahead.next();
            tokens = ahead;
        }
        if !is_whole {
            continue;
        }
        let mut name = path.last().cloned().unwrap_or_default();
        if matches!(tokens.peek(), Some(TokenTree::Ident(word)) if word == "as") {
            let mut ahead = tokens.clone();
            ahead.next();
            if let Some(TokenTree::Ident(alias)) = ahead.next() {
                name = alias.to_string();
                tokens = ahead;
            }
        }
        // `use a::{self}` names the module by its own name.
        if name == "self" && path.len() > 1 {
            path.pop();
            name = path.last().cloned().unwrap_or_default();
        }
        found.push((path, name));
    }
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

#[test]
fn paths_are_found_in_all_their_forms() {
    let tokens = "use a::{b, c as d, e::*, self}; f::g::<h::I>(x); fn f() { json!({\"a\": j::k}) }";
    let found = leaves(tokens.parse().unwrap());
    let found: Vec<_> = found
        .iter()
        .filter(|(path, name)| path.len() > 1 || name == "*" || name == "a")
        .map(|(path, name)| format!("{} as {name}", path.join("::")))
        .collect();
    let expected = [
        "a::b as b",
        "a::c as d",
        "a::e as *",
        "a as a",
        "f::g as g",
        "h::I as I",
        "j::k as k",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_re_export_leads_to_the_definition() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("lib.rs");
    fs::write(
        &root,
        "mod a { pub struct A; mod inner { use super::A; } }
         mod b { use crate::A; fn f() -> c::C { c::C } mod c { pub struct C; } }
         #[cfg(test)] mod tests { use super::a; }
         pub use a::A;",
    )
    .unwrap();
    let uses = Modules::read(&root).uses();
    let found: Vec<_> = uses
        .iter()
        .flat_map(|(from, to)| {
            to.keys()
                .map(move |to| format!("{} -> {}", from.join("::"), to.join("::")))
        })
        .collect();
    assert_eq!(found, [" -> a", "a::inner -> a", "b -> a", "b -> b::c"]);
}
