//! The wall in a real browser's page, with orders as a store would make them.

#![expect(clippy::unwrap_used, reason = "a failing test may panic")]

#[path = "../../shared/tests/common/mod.rs"]
mod common;

use std::rc::Rc;

use common::{CREATED_AT, EXPIRES_AT, GOODS, claim, preimage, purchase_id, sample, terms};
use frontend::client::Client;
use frontend::clock::Clock;
use frontend::components::content_view::content_view;
use frontend::components::invoice_panel::{self, InvoicePanel};
use frontend::components::wall::{self, Wall};
use frontend::config::Gateway;
use frontend::storage::Slot;
use shared::api::Item;
use shared::content::ContentHash;
use shared::purchase::{Event, Purchase, Saved};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::Element;
use yew::prelude::*;
use yew::scheduler::flush;

wasm_bindgen_test_configure!(run_in_browser);

/// What must not be on the screen unless it may be paid.
const PAYABLE: [&str; 5] = ["qr", "bolt11", "open-wallet", "copy", "pay-webln"];

#[wasm_bindgen_test]
async fn an_invoice_can_be_paid_until_the_server_says_that_it_expired() {
    let panel = |server_secs| {
        let clock = Clock::default();
        // The browser's own clock is months away from this.
        clock.learn(server_secs);
        invoice_panel::Props {
            purchase: awaiting(),
            clock,
            title: "Two cats".into(),
            trouble: None,
            focus: NodeRef::default(),
            on_paid: Callback::noop(),
            on_retry: Callback::noop(),
            on_close: Callback::noop(),
        }
    };
    let page = Page::with::<InvoicePanel>(panel(CREATED_AT + 60)).await;
    assert_eq!(page.text("bolt11"), sample(1).bolt11());
    let left = page.text("countdown");
    assert!(left == "9:00" || left == "8:59", "{left}");
    assert!(page.find("qr").is_some());

    let page = Page::with::<InvoicePanel>(panel(EXPIRES_AT)).await;
    page.shows_nothing_payable();
}

#[wasm_bindgen_test]
async fn a_stored_purchase_is_found_again() {
    let props = wall_props("found-again");
    slot(&props).save(&saved(sample(1).bolt11()));
    props.client.clock().learn(CREATED_AT + 1);
    let page = Page::with::<Wall>(props).await;
    assert_eq!(page.text("bolt11"), sample(1).bolt11());
}

#[wasm_bindgen_test]
async fn a_refused_invoice_names_its_check_and_is_not_shown() {
    let mut dear = sample(1);
    dear.amount_msat = Some(200_000);
    let props = wall_props("refused");
    slot(&props).save(&saved(dear.bolt11()));
    props.client.clock().learn(CREATED_AT + 1);
    let page = Page::with::<Wall>(props).await;
    let refusal = page.text("refused");
    assert!(
        refusal.contains("the invoice asks for 200 sat, but the price is 100 sat"),
        "{refusal}"
    );
    page.shows_nothing_payable();
}

#[wasm_bindgen_test]
async fn goods_are_text_and_never_markup() {
    let hostile = "<img src=x onerror=\"document.title='stolen'\">\n<script>1</script>";
    let page = Page::with::<Goods>(GoodsProps { text: hostile }).await;
    let pre = page.find("content").unwrap();
    assert_eq!(pre.text_content().unwrap(), hostile);
    assert_eq!(pre.child_element_count(), 0);
}

#[wasm_bindgen_test]
async fn a_hostile_title_is_text_too() {
    let mut props = wall_props("title");
    let mut item = (*props.item).clone();
    "<b>bold</b>".clone_into(&mut item.title);
    props.item = Rc::new(item);
    let page = Page::with::<Wall>(props).await;
    assert!(page.root.query_selector("b").unwrap().is_none());
    assert!(page.root.text_content().unwrap().contains("<b>bold</b>"));
}

#[wasm_bindgen_test]
fn an_emptied_slot_still_keeps_what_was_paid() {
    let slot = slot(&wall_props("emptied"));
    let mut paid = saved(sample(1).bolt11());
    paid.preimage = Some(preimage(1));
    slot.save(&paid);
    slot.clear();
    assert_eq!(slot.load(), None);
    let storage = web_sys::window().unwrap().local_storage().unwrap().unwrap();
    let kept = (0..storage.length().unwrap())
        .filter_map(|index| storage.key(index).unwrap())
        .filter(|key| key.contains("emptied"))
        .filter_map(|key| storage.get_item(&key).unwrap())
        .map(|text| serde_json::from_str::<Saved>(&text).unwrap())
        .collect::<Vec<_>>();
    assert_eq!(kept, [paid]);
}

/// What a test has mounted; gone with the test.
struct Page {
    root: Element,
}

impl Page {
    async fn with<C>(props: C::Properties) -> Self
    where
        C: yew::BaseComponent,
    {
        let document = web_sys::window().unwrap().document().unwrap();
        let root = document.create_element("div").unwrap();
        document.body().unwrap().append_child(&root).unwrap();
        yew::Renderer::<C>::with_root_and_props(root.clone(), props).render();
        flush().await;
        Self { root }
    }

    fn find(&self, test: &str) -> Option<Element> {
        let selector = format!("[data-test=\"{test}\"]");
        self.root.query_selector(&selector).unwrap()
    }

    #[track_caller]
    fn text(&self, test: &str) -> String {
        let element = self.find(test);
        let element = element.unwrap_or_else(|| panic!("{test} is not on the page"));
        element.text_content().unwrap()
    }

    #[track_caller]
    fn shows_nothing_payable(&self) {
        for test in PAYABLE {
            assert!(self.find(test).is_none(), "{test} is shown");
        }
        let text = self.root.inner_html().to_lowercase();
        assert!(!text.contains("lnbcrt"), "the invoice is on the page");
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.root.remove();
    }
}

#[derive(Properties, PartialEq)]
struct GoodsProps {
    text: &'static str,
}

#[component]
fn Goods(props: &GoodsProps) -> Html {
    let bytes: Rc<[u8]> = props.text.as_bytes().into();
    content_view(&item("goods"), &bytes, &use_node_ref())
}

fn item(id: &str) -> Item {
    Item {
        id: id.parse().unwrap(),
        title: "Two cats".to_owned(),
        teaser: "Twice the purr.".to_owned(),
        price_msat: terms().price_msat,
        fiat_price: None,
        rate: None,
        valid_for_secs: None,
        content_type: "text/plain; charset=utf-8".to_owned(),
        size: GOODS.len().try_into().unwrap(),
        sha256: ContentHash::of(GOODS),
    }
}

/// Each test has an item, and so a slot, of its own.
fn wall_props(id: &str) -> wall::Props {
    yew::props!(wall::Props {
        client: Client::new(Gateway::same_origin()),
        item: Rc::new(item(id)),
        terms: terms(),
    })
}

fn slot(props: &wall::Props) -> Slot {
    Slot::new(props.client.gateway(), &props.item.id)
}

fn saved(bolt11: String) -> Saved {
    Saved {
        purchase_id: purchase_id(1),
        claim: Some(claim(1)),
        bolt11: Some(bolt11),
        preimage: None,
    }
}

fn awaiting() -> Purchase {
    Purchase::new(terms()).update(Event::Restore(Box::new(saved(sample(1).bolt11()))))
}
