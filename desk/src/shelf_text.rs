//! The items in the text of a store's file, changed so that comments, order and everything else stay as
//! they are.

use toml_edit::{ArrayOfTables, DocumentMut, Item, RawString, Table, TableLike, Value, value};

use crate::words::{Said, said};

/// The text of a store's file.
#[derive(Clone, Debug)]
pub(crate) struct ShelfText(DocumentMut);

/// An item as its section has it. What is not there is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) title: String,
    pub(crate) teaser: String,
    pub(crate) price: String,
    pub(crate) valid_for: String,
}

/// Where an item goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shift {
    Up,
    Down,
}

const ITEM: &str = "item";
/// What can be changed of an item, in the order in which it is written.
const KEYS: [&str; 4] = ["title", "teaser", "price", "valid_for"];

impl Written {
    fn of(&self, key: &str) -> &str {
        match key {
            "title" => &self.title,
            "teaser" => &self.teaser,
            "price" => &self.price,
            _ => &self.valid_for,
        }
    }
}

impl ShelfText {
    /// Reads a text; says what keeps it from being changed here.
    pub(crate) fn parse(text: &str) -> Result<Self, Said> {
        let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            said("The store’s file cannot be read at the moment, so nothing was changed: {why}")
                .with("why", error.message().lines().next().unwrap_or_default())
        })?;
        match document.get(ITEM) {
            None | Some(Item::ArrayOfTables(_)) => Ok(Self(document)),
            Some(_) => Err(said(
                "The items of the store’s file are written in one line. Change them there, or write each as a section that begins with [[item]].",
            )),
        }
    }

    pub(crate) fn text(&self) -> String {
        self.0.to_string()
    }

    /// The ids of the items, in order.
    pub(crate) fn ids(&self) -> Vec<String> {
        let items = self.items().into_iter().flatten();
        items.map(|item| text_of(item, "id")).collect()
    }

    /// An item as it is written.
    pub(crate) fn find(&self, id: &str) -> Option<Written> {
        let item = self
            .items()?
            .iter()
            .find(|item| text_of(*item, "id") == id)?;
        Some(Written {
            title: text_of(item, "title"),
            teaser: text_of(item, "teaser"),
            price: text_of(item, "price"),
            valid_for: text_of(item, "valid_for"),
        })
    }

    /// Puts a new item behind the others.
    pub(crate) fn add(&mut self, id: &str, file: &str, preview: Option<&str>, written: &Written) {
        let mut item = Table::new();
        item.insert("id", value(id));
        for key in ["title", "teaser"] {
            item.insert(key, value(written.of(key)));
        }
        item.insert("file", value(file));
        item.insert("price", value(&written.price));
        if !written.valid_for.is_empty() {
            item.insert("valid_for", value(&written.valid_for));
        }
        if let Some(preview) = preview {
            item.insert("preview", value(preview));
        }
        item.decor_mut().set_prefix("\n");
        let last = self
            .items()
            .into_iter()
            .flatten()
            .filter_map(Table::position)
            .max();
        // Behind the last item, whatever other sections follow it.
        if let Some(last) = last {
            item.set_position(Some(last));
        }
        let items = self
            .0
            .entry(ITEM)
            .or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
        if let Some(items) = items.as_array_of_tables_mut() {
            items.push(item);
        }
    }

    /// Writes what differs of an item; false where there is none.
    pub(crate) fn change(&mut self, id: &str, new: &Written) -> bool {
        let Some(old) = self.find(id) else {
            return false;
        };
        let items = self
            .items_mut()
            .into_iter()
            .flat_map(ArrayOfTables::iter_mut);
        for item in items.filter(|item| text_of(*item, "id") == id) {
            for key in KEYS {
                if old.of(key) != new.of(key) {
                    write(item, key, new.of(key));
                }
            }
        }
        true
    }

    /// Takes an item off the shelf: its section stays, as a comment below `note`. False where there is none.
    pub(crate) fn take_off(&mut self, id: &str, note: &str) -> bool {
        let Some(index) = self.index(id) else {
            return false;
        };
        let Some(items) = self.items_mut() else {
            return false;
        };
        let Some(item) = items.get(index).cloned() else {
            return false;
        };
        items.remove(index);
        let is_last = items.is_empty();
        if is_last {
            self.0.remove(ITEM);
        }
        let before = prefix_of(&item);
        let mut section = DocumentMut::new();
        let mut bare = item.clone();
        bare.decor_mut().set_prefix("");
        let mut alone = ArrayOfTables::new();
        alone.push(bare);
        section.insert(ITEM, Item::ArrayOfTables(alone));
        let section = section.to_string();
        let lines = section.lines().filter(|line| !line.trim().is_empty());
        let lines = lines.flat_map(|line| ["# ", line, "\n"]);
        let lines: String = lines.collect();
        let comment = format!("{before}# {note}\n{lines}");
        self.put_before_next(item.position(), &comment);
        true
    }

    /// Puts an item before or behind its neighbour; false where there is none.
    pub(crate) fn shift(&mut self, id: &str, shift: Shift) -> bool {
        let Some(index) = self.index(id) else {
            return false;
        };
        let Some(items) = self.items_mut() else {
            return false;
        };
        let other = match shift {
            Shift::Up => index.checked_sub(1),
            Shift::Down => Some(index + 1).filter(|other| *other < items.len()),
        };
        let Some(other) = other else {
            return false;
        };
        let mut tables: Vec<Table> = items.iter().cloned().collect();
        // Their places in the file are exchanged, too; what is written above each goes with it.
        let places = (tables[index].position(), tables[other].position());
        tables[index].set_position(places.1);
        tables[other].set_position(places.0);
        tables.swap(index, other);
        items.clear();
        for table in tables {
            items.push(table);
        }
        true
    }

    fn index(&self, id: &str) -> Option<usize> {
        self.items()?
            .iter()
            .position(|item| text_of(item, "id") == id)
    }

    fn items(&self) -> Option<&ArrayOfTables> {
        self.0.get(ITEM)?.as_array_of_tables()
    }

    fn items_mut(&mut self) -> Option<&mut ArrayOfTables> {
        self.0.get_mut(ITEM)?.as_array_of_tables_mut()
    }

    /// Puts a comment before the section that follows a place in the file, or at the file's end.
    fn put_before_next(&mut self, place: Option<isize>, comment: &str) {
        let mut next: Option<&mut Table> = None;
        let place = place.unwrap_or(isize::MAX);
        for (_, item) in self.0.iter_mut() {
            for table in tables_of(item) {
                let is_nearer = |next: &&mut Table| table.position() < next.position();
                if table.position() > Some(place) && next.as_ref().is_none_or(is_nearer) {
                    next = Some(table);
                }
            }
        }
        if let Some(next) = next {
            let after = prefix_of(next);
            next.decor_mut().set_prefix(format!("{comment}{after}"));
            return;
        }
        let end = raw(self.0.trailing());
        self.0.set_trailing(format!("{comment}{end}"));
    }
}

/// The sections of a key: one, several, or those below it, such as `[rates.USD]`.
fn tables_of(item: &mut Item) -> Vec<&mut Table> {
    match item {
        Item::ArrayOfTables(tables) => tables.iter_mut().collect(),
        Item::Table(table) => {
            if !table.is_implicit() {
                return vec![table];
            }
            let below = table.iter_mut();
            below.flat_map(|(_, item)| tables_of(item)).collect()
        }
        _ => Vec::new(),
    }
}

fn prefix_of(table: &Table) -> String {
    table.decor().prefix().map(raw).unwrap_or_default()
}

fn raw(text: &RawString) -> String {
    text.as_str().unwrap_or_default().to_owned()
}

/// A value as text, as the settings read it.
fn text_of(item: &(impl TableLike + ?Sized), key: &str) -> String {
    match item.get(key).and_then(Item::as_value) {
        Some(Value::String(text)) => text.value().clone(),
        Some(Value::Integer(number)) => number.value().to_string(),
        Some(Value::Float(number)) => number.value().to_string(),
        _ => String::new(),
    }
}

/// Writes one value; what stands around it stays.
fn write(item: &mut Table, key: &str, text: &str) {
    if text.is_empty() && key == "valid_for" {
        item.remove(key);
        return;
    }
    match item.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = Value::from(text);
            *old.decor_mut() = decor;
        }
        None => {
            item.insert(key, value(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"# My store.
store_name = "Cats"   # for people

# The goods, the best first.

# One cat.
[[item]]
id = "cat"
title = "A cat"   # no other
teaser = 'It purrs.'
file = "cat.txt"
# Cheap.
price = "21 sat"

[[item]]   # the other
id = "two-cats"
title = "Two cats"
file = "two-cats.txt"
price = 0.25

[rates.USD]
fixed = 65000   # by hand

[look]
scene = "box"
# The end.
"#;

    fn written(title: &str, teaser: &str, price: &str, valid_for: &str) -> Written {
        Written {
            title: title.to_owned(),
            teaser: teaser.to_owned(),
            price: price.to_owned(),
            valid_for: valid_for.to_owned(),
        }
    }

    fn parsed() -> ShelfText {
        ShelfText::parse(FILE).unwrap()
    }

    #[test]
    fn what_is_not_changed_stays_to_the_last_byte() {
        let mut shelf = parsed();
        assert_eq!(shelf.text(), FILE);
        assert_eq!(shelf.ids(), ["cat", "two-cats"]);
        let cat = shelf.find("cat").unwrap();
        assert_eq!(cat, written("A cat", "It purrs.", "21 sat", ""));
        assert_eq!(shelf.find("two-cats").unwrap().price, "0.25");
        assert!(shelf.change("cat", &cat));
        assert_eq!(shelf.text(), FILE);
        assert!(
            !shelf.change("dog", &cat)
                && !shelf.take_off("dog", "")
                && !shelf.shift("dog", Shift::Up)
        );
        assert!(!shelf.shift("cat", Shift::Up) && !shelf.shift("two-cats", Shift::Down));
        assert_eq!(shelf.text(), FILE);
    }

    #[test]
    fn a_change_is_one_of_its_line() {
        let mut shelf = parsed();
        let new = written("Say \"meow\" \\ \u{732b}", "It purrs.", "2 USD", "30d");
        assert!(shelf.change("cat", &new));
        let expected = FILE
            .replace("\"A cat\"   #", "'Say \"meow\" \\ \u{732b}'   #")
            .replace("\"21 sat\"\n", "\"2 USD\"\nvalid_for = \"30d\"\n");
        assert_eq!(shelf.text(), expected);
        let mut again = ShelfText::parse(&shelf.text()).unwrap();
        assert_eq!(again.find("cat").unwrap(), new);
        let back = written("A cat", "It purrs.", "21 sat", "");
        assert!(again.change("cat", &back));
        assert_eq!(again.text(), FILE);
    }

    #[test]
    fn a_new_item_stands_behind_the_others() {
        let mut shelf = parsed();
        let new = written("Three", "", "3 sat", "1h");
        shelf.add("three", "goods/three.txt", Some("goods/small.png"), &new);
        let section = "\n[[item]]\nid = \"three\"\ntitle = \"Three\"\nteaser = \"\"\n\
            file = \"goods/three.txt\"\nprice = \"3 sat\"\nvalid_for = \"1h\"\npreview = \"goods/small.png\"\n";
        let expected = FILE.replace("\n[rates.USD]", &format!("{section}\n[rates.USD]"));
        assert_eq!(shelf.text(), expected);

        let mut empty = ShelfText::parse("store_name = \"x\"\n").unwrap();
        empty.add("three", "three.txt", None, &new);
        assert!(
            empty
                .text()
                .starts_with("store_name = \"x\"\n\n[[item]]\nid = \"three\"\n"),
            "{}",
            empty.text()
        );
    }

    #[test]
    fn items_change_places_with_what_is_written_above_them() {
        let mut shelf = parsed();
        assert!(shelf.shift("two-cats", Shift::Up));
        assert_eq!(shelf.ids(), ["two-cats", "cat"]);
        let text = shelf.text();
        let again = ShelfText::parse(&text).unwrap();
        assert_eq!(again.ids(), ["two-cats", "cat"], "{text}");
        assert!(
            text.contains("# One cat.\n[[item]]\nid = \"cat\"\n"),
            "{text}"
        );
        assert!(
            text.contains("[[item]]   # the other\nid = \"two-cats\"\n"),
            "{text}"
        );
        assert!(
            text.ends_with("# The end.\n") && text.starts_with("# My store.\n"),
            "{text}"
        );
        assert!(shelf.shift("two-cats", Shift::Down));
        assert_eq!(shelf.text(), FILE);
    }

    #[test]
    fn what_is_taken_off_stays_as_a_comment() {
        let mut shelf = parsed();
        assert!(shelf.take_off("cat", "Taken off the shelf on 2026-11-28:"));
        let text = shelf.text();
        let comment = "# One cat.\n# Taken off the shelf on 2026-11-28:\n# [[item]]\n# id = \"cat\"\n\
            # title = \"A cat\"   # no other\n# teaser = 'It purrs.'\n# file = \"cat.txt\"\n# # Cheap.\n\
            # price = \"21 sat\"\n\n[[item]]   # the other\n";
        assert!(text.contains(comment), "{text}");
        assert!(
            text.starts_with("# My store.\n") && text.ends_with("# The end.\n"),
            "{text}"
        );
        assert!(shelf.take_off("two-cats", "Off:"));
        let text = shelf.text();
        assert_eq!(ShelfText::parse(&text).unwrap().ids(), [""; 0]);
        assert!(
            text.contains("# price = 0.25\n\n[rates.USD]\nfixed = 65000   # by hand\n"),
            "{text}"
        );
        // All of it can be had back.
        let back = text.replace("# [[item]]", "[[item]]");
        assert_eq!(back.matches("[[item]]").count(), 2);

        let mut last = ShelfText::parse("[[item]]\nid = \"cat\"\n").unwrap();
        assert!(last.take_off("cat", "Off:"));
        assert_eq!(last.text(), "# Off:\n# [[item]]\n# id = \"cat\"\n");
    }

    #[test]
    fn what_cannot_be_changed_here_is_told() {
        assert!(ShelfText::parse("item = [{ id = \"cat\" }]").is_err());
        assert!(ShelfText::parse("item =").is_err());
    }
}
