//! The wall in a real browser's page, with orders as a store would make them.

#![expect(clippy::unwrap_used, reason = "a failing test may panic")]

// As that crate's own tests, which share this module, call it.
extern crate shared as purrwall_shared;

#[path = "../../shared/tests/common/mod.rs"]
mod common;

use std::rc::Rc;

use common::{CREATED_AT, EXPIRES_AT, GOODS, claim, preimage, purchase_id, sample, terms};
use frontend::browser::client::Client;
use frontend::browser::clock::Clock;
use frontend::browser::gateway::Gateway;
use frontend::browser::goods::{Arriving, Goods};
use frontend::browser::storage::{Slot, purchases};
use frontend::i18n::language::Language;
use frontend::wall::content_view::content_view;
use frontend::wall::invoice_panel::{self, InvoicePanel};
use frontend::wall::wallet_button::Teller;
use frontend::wall::{self, Wall};
use shared::api::{Item, Scene};
use shared::content::ContentHash;
use shared::link::Link;
use shared::purchase::{Event, Purchase, Saved};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::Element;
use yew::prelude::*;
use yew::scheduler::flush;

wasm_bindgen_test_configure!(run_in_browser);

/// What must not be on the screen unless it may be paid.
const PAYABLE: [&str; 4] = ["qr", "bolt11", "pay-webln", "copy"];

#[wasm_bindgen_test]
async fn an_invoice_can_be_paid_until_the_server_says_that_it_expired() {
    let panel = |server_secs| {
        let clock = Clock::default();
        // The browser's own clock is months away from this.
        clock.learn(server_secs);
        invoice_panel::Props {
            language: Language::default(),
            purchase: awaiting(),
            gateway: Gateway::same_origin(),
            clock,
            title: "Two cats".into(),
            trouble: None,
            focus: NodeRef::default(),
            teller: Teller {
                site: None,
                at_once: Rc::default(),
                on_event: Callback::from(|_| false),
            },
            on_retry: Callback::noop(),
            on_close: Callback::noop(),
            link: AttrValue::default(),
            lost_with_the_page: false,
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
    for content_type in ["text/plain; charset=utf-8", "text/html"] {
        let page = Page::with::<Shown>(goods(content_type, hostile.as_bytes()).await).await;
        let pre = page.find("content").unwrap();
        assert_eq!(pre.text_content().unwrap(), hostile);
        assert_eq!(pre.child_element_count(), 0);
    }
}

#[wasm_bindgen_test]
async fn goods_are_shown_or_played_in_place() {
    for (content_type, tag) in [
        ("image/png", "IMG"),
        ("audio/mpeg", "AUDIO"),
        ("video/mp4", "VIDEO"),
    ] {
        let page = Page::with::<Shown>(goods(content_type, GOODS).await).await;
        let content = page.find("content").unwrap();
        assert_eq!(content.tag_name(), tag);
        let address = content.get_attribute("src").unwrap();
        assert!(address.starts_with("blob:"), "{address}");
        assert!(page.find("save").is_some());
    }
    let page = Page::with::<Shown>(goods("application/zip", GOODS).await).await;
    assert_eq!(page.text("content"), "Your file is here: application/zip");
    assert!(page.find("save").is_some());
}

#[wasm_bindgen_test]
async fn a_drawing_runs_no_script_on_the_stores_origin() {
    let hostile = "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>";
    let page = Page::with::<Shown>(goods("image/svg+xml", hostile.as_bytes()).await).await;
    let content = page.find("content").unwrap();
    assert_eq!(content.tag_name(), "IMG");
    let address = content.get_attribute("src").unwrap();
    assert!(
        address.starts_with("data:image/svg+xml;base64,"),
        "{address}"
    );
}

#[wasm_bindgen_test]
fn goods_that_come_in_pieces_hash_as_the_whole() {
    let mut arriving = Arriving::default();
    let (first, rest) = GOODS.split_at(3);
    arriving.push(&first.into());
    assert_eq!(arriving.received(), 3);
    arriving.push(&rest.into());
    assert_eq!(arriving.finish().1, ContentHash::of(GOODS));
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
    assert_eq!(kept("emptied"), [paid]);
}

#[wasm_bindgen_test]
fn an_emptied_slot_keeps_what_may_be_paid_until_the_buyer_forgets_it() {
    let slot = slot(&wall_props("unknown"));
    let unknown = saved(sample(1).bolt11());
    slot.save(&unknown);
    slot.clear();
    assert_eq!(slot.load(), None);
    assert_eq!(kept("unknown"), std::slice::from_ref(&unknown));
    // A new invoice is asked for; the tickets before it are all that there is.
    let asking = Saved {
        purchase_id: purchase_id(3),
        claim: None,
        bolt11: None,
        earlier: vec![second()],
        ..unknown.clone()
    };
    slot.save(&asking);
    slot.clear();
    assert_eq!(kept("unknown"), [unknown.clone(), second()]);
    slot.forget(&unknown);
    assert_eq!(kept("unknown"), [second()]);
}

#[wasm_bindgen_test]
fn another_tabs_state_takes_no_ticket_and_no_proof_away() {
    let slot = slot(&wall_props("tabs"));
    let mut paid = saved(sample(1).bolt11());
    paid.preimage = Some(preimage(1));
    slot.save(&paid);
    // A tab that does not know of the payment yet, and one that has lost the ticket.
    slot.save(&saved(sample(1).bolt11()));
    let mut asking = saved(sample(1).bolt11());
    (asking.claim, asking.bolt11) = (None, None);
    slot.save(&asking);
    assert_eq!(slot.load(), Some(paid.clone()));
    // A tab with another purchase.
    slot.save(&second());
    assert_eq!(slot.load(), Some(second()));
    assert_eq!(kept("tabs"), [paid]);
}

#[wasm_bindgen_test]
fn what_waits_is_listed_where_no_wall_shows_it() {
    let slot = slot(&wall_props("off-the-shelf"));
    let mine = saved(sample(1).bolt11());
    slot.save(&mine);
    assert_eq!(kept("off-the-shelf"), []);
    let listed = purchases(&Gateway::same_origin(), &|id| {
        id.as_str() != "off-the-shelf"
    });
    let listed: Vec<Saved> = listed.into_iter().map(|link| link.purchase).collect();
    assert!(listed.contains(&mine), "{listed:?}");
    let item = slot
        .off_the_shelf(&"off-the-shelf".parse().unwrap())
        .unwrap();
    assert_eq!(item.title, "Two cats");
    assert_eq!(item.sha256, ContentHash::of(GOODS));
}

#[wasm_bindgen_test]
fn a_purchase_that_is_opened_pushes_no_other_out() {
    let slot = slot(&wall_props("pushed"));
    let mine = saved(sample(1).bolt11());
    let mut opened = second();
    opened.preimage = Some(preimage(2));
    slot.save(&mine);
    slot.save(&opened);
    assert_eq!(slot.load().as_ref(), Some(&opened));
    assert_eq!(kept("pushed"), [mine.clone(), opened.clone()]);

    // An older link of it knows less than the slot does.
    opened.preimage = None;
    slot.save(&opened);
    assert_eq!(slot.load().unwrap().preimage, Some(preimage(2)));
    slot.save(&mine);
    assert_eq!(slot.load(), Some(mine));
    let [paid] = &kept("pushed")[..] else {
        panic!("it waits in its slot, and the other is kept once");
    };
    assert_eq!(paid.preimage, Some(preimage(2)));
}

#[wasm_bindgen_test]
fn a_link_carries_nothing_that_was_replaced_and_takes_nothing_of_it() {
    let gateway = Gateway::same_origin();
    let slot = slot(&wall_props("replaced"));
    let mut mine = saved(sample(2).bolt11());
    mine.purchase_id = purchase_id(2);
    mine.claim = Some(claim(2));
    let plain = mine.clone();
    mine.earlier = vec![saved(sample(1).bolt11())];
    slot.save(&mine);
    assert_eq!(slot.load().as_ref(), Some(&mine));

    let link = |purchase: &Saved| {
        gateway.link(&Link {
            item: "replaced".parse().unwrap(),
            purchase: purchase.clone(),
        })
    };
    assert_eq!(link(&mine), link(&plain));
    slot.save(&plain);
    assert_eq!(slot.load(), Some(mine));
}

/// What the list of purchases has of an item, by the purchases' numbers.
fn kept(item: &str) -> Vec<Saved> {
    let mut kept: Vec<Saved> = purchases(&Gateway::same_origin(), &|_| true)
        .into_iter()
        .filter(|link| link.item.as_str() == item)
        .map(|link| link.purchase)
        .collect();
    kept.sort_by_key(|saved| saved.purchase_id.0);
    kept
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
struct ShownProps {
    item: Item,
    goods: Rc<Goods>,
}

#[component]
fn Shown(props: &ShownProps) -> Html {
    content_view(
        &props.item,
        &props.goods,
        &use_node_ref(),
        &Callback::noop(),
    )
}

async fn goods(content_type: &str, bytes: &[u8]) -> ShownProps {
    let mut item = item("goods");
    content_type.clone_into(&mut item.content_type);
    let mut arriving = Arriving::default();
    arriving.push(&bytes.into());
    let goods = Goods::new(&arriving.finish().0, content_type).await;
    ShownProps {
        item,
        goods: goods.unwrap().into(),
    }
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
        sealed: None,
        scene: Scene::Box,
        button: Vec::new(),
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
        claim: Some(claim(1)),
        bolt11: Some(bolt11),
        ..Saved::begun(purchase_id(1))
    }
}

/// Another purchase.
fn second() -> Saved {
    Saved {
        purchase_id: purchase_id(2),
        claim: Some(claim(2)),
        ..saved(sample(2).bolt11())
    }
}

fn awaiting() -> Purchase {
    Purchase::new(terms()).update(Event::Restore(Box::new(saved(sample(1).bolt11()))))
}
