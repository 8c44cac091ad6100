//! The goods and their prices. For now two, drawn for this store and built into the program.

use shared::api::{Item, ItemId};
use shared::content::{ContentHash, describe};
use shared::lightning::Msat;

/// What the store sells, in the owner's order.
#[derive(Debug)]
pub struct Catalogue(Vec<Goods>);

/// One item with its bytes.
#[derive(Debug)]
pub struct Goods {
    /// What everyone may see.
    pub item: Item,
    /// What only buyers get.
    pub content: &'static [u8],
}

impl Catalogue {
    /// The two cats.
    pub fn cats() -> Self {
        Self(vec![
            goods(
                "cat",
                "A cat",
                "One ASCII cat at night, eyes wide open. She purrs.",
                include_bytes!("../cats/cat.txt"),
            ),
            goods(
                "two-cats",
                "Two cats",
                "Two ASCII cats side by side, tails entwined. Company for your terminal.",
                include_bytes!("../cats/two-cats.txt"),
            ),
        ])
    }

    /// The item of this name.
    pub fn find(&self, id: &ItemId) -> Option<&Goods> {
        self.0.iter().find(|goods| goods.item.id == *id)
    }

    /// Everything, as everyone may see it.
    pub fn items(&self) -> Vec<Item> {
        self.0.iter().map(|goods| goods.item.clone()).collect()
    }
}

impl Goods {
    /// The item's name.
    pub fn id(&self) -> &ItemId {
        &self.item.id
    }

    /// What an invoice for it says.
    pub fn description(&self) -> String {
        describe(&self.item.title, self.item.sha256)
    }
}

fn goods(id: &str, title: &str, teaser: &str, content: &'static [u8]) -> Goods {
    Goods {
        item: Item {
            id: id.parse().expect("the ids above are valid"),
            title: title.to_owned(),
            teaser: teaser.to_owned(),
            price_msat: Msat(100_000),
            fiat_price: None,
            rate: None,
            valid_for_secs: None,
            content_type: "text/plain; charset=utf-8".to_owned(),
            size: content.len() as u64,
            sha256: ContentHash::of(content),
        },
        content,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_cats_are_drawings_for_a_narrow_screen() {
        for goods in Catalogue::cats().0 {
            let text = str::from_utf8(goods.content).unwrap();
            assert!((12..=24).contains(&text.lines().count()));
            assert!(text.lines().all(|line| line.len() <= 64));
            let plain = |c: char| c == '\n' || c == ' ' || c.is_ascii_graphic();
            assert!(text.chars().all(plain), "{}", goods.item.id);
            assert_eq!(goods.item.sha256, ContentHash::of(goods.content));
        }
    }
}
