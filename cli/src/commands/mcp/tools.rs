//! What an agent can do at the store: see what there is, see a price, and buy.

use anyhow::Error;
use purrwall_buyer::BuyError;
use purrwall_buyer::address::StoreAddress;
use purrwall_buyer::purse::{Kept, Purse, PurseError};
use purrwall_buyer::store::list;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::model::{CallToolResult, ContentBlock, Implementation, ServerCapabilities, ServerConfig};
use rmcp::schemars::{self, JsonSchema};
use rmcp::{ServerHandler, tool, tool_handler, tool_router};
use serde::{Deserialize, Serialize};
use shared::api::{Item, ItemId, Store};
use shared::lightning::Msat;
use tokio::task::spawn_blocking;

use super::goods;

/// A store, and the purse that is spent there.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    store: StoreAddress,
    purse: Purse,
    tool_router: ToolRouter<Self>,
}

/// What the store sells.
#[derive(Serialize, JsonSchema)]
struct Goods {
    /// The store's name.
    store: String,
    /// What it sells.
    items: Vec<Offer>,
    /// What may still be spent in all, in msat (1000 msat are 1 sat).
    remaining_msat: u64,
}

/// An item and its price.
#[derive(Serialize, JsonSchema)]
struct Offer {
    /// Its name, for `buy`.
    item: String,
    title: String,
    /// What is shown before payment.
    teaser: String,
    /// The price for people.
    price: String,
    /// The price in msat (1000 msat are 1 sat).
    price_msat: u64,
    content_type: String,
    /// In bytes.
    size: u64,
    /// Whether it is paid for already, so that `buy` costs nothing.
    bought: bool,
    /// Whether the budget allows to buy it now.
    affordable: bool,
}

/// One item.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The item, as `list_goods` names it.
    item: String,
}

/// What to buy.
#[derive(Deserialize, JsonSchema)]
struct Order {
    /// The item, as `list_goods` names it.
    item: String,
    /// The most to pay for it, in satoshi, where that is less than the owner's own bound.
    max_sat: Option<u64>,
}

#[tool_router]
impl Tools {
    pub(super) fn new(store: StoreAddress, purse: Purse) -> Self {
        Self {
            store,
            purse,
            tool_router: Self::tool_router(),
        }
    }

    /// Lists what the store sells, with prices, and what of the budget remains.
    #[tool(annotations(title = "List goods", read_only_hint = true))]
    async fn list_goods(&self) -> Result<Json<Goods>, String> {
        let store = self.listed().await?;
        let items = store.items.iter().map(|item| self.offer(item));
        Ok(Json(Goods {
            items: items.collect::<Result<_, _>>()?,
            store: store.name,
            remaining_msat: self.purse.remaining().map_err(all)?.0,
        }))
    }

    /// Says what an item costs now, and whether the budget allows to buy it.
    #[tool(annotations(title = "See a price", read_only_hint = true))]
    async fn price(
        &self,
        Parameters(Named { item }): Parameters<Named>,
    ) -> Result<Json<Offer>, String> {
        let store = self.listed().await?;
        let found = store.items.iter().find(|known| known.id.as_str() == item);
        let found = found.ok_or_else(|| {
            let names: Vec<_> = store.items.iter().map(|known| known.id.as_str()).collect();
            format!(
                "the store has no item {item:?}; it sells {}",
                names.join(", ")
            )
        })?;
        Ok(Json(self.offer(found)?))
    }

    /// Buys an item with real money and gives its content. The budget is the owner's and cannot be
    /// raised from here. An item that was bought before is given again and costs nothing.
    #[tool(annotations(
        title = "Buy",
        read_only_hint = false,
        destructive_hint = true,
        idempotent_hint = true
    ))]
    async fn buy(
        &self,
        Parameters(Order { item, max_sat }): Parameters<Order>,
    ) -> Result<CallToolResult, String> {
        let item: ItemId = item.parse().map_err(all)?;
        // More than there is bounds nothing.
        let asked = max_sat.map(|sat| Msat::from_sat(sat).unwrap_or(Msat(u64::MAX)));
        let address = self.store.item(item.clone());
        let kept = self.purse.buy(address, asked).await;
        let kept = kept.map_err(in_words)?;
        let out = kept.bought.out.clone();
        let goods = spawn_blocking(move || goods::content(&out)).await;
        let goods = goods.expect("reading does not panic");
        let goods =
            goods.map_err(|error| format!("{item} is bought, but cannot be read: {error}"))?;
        let told = ContentBlock::text(told(&item, &kept));
        Ok(CallToolResult::success(vec![told, goods]))
    }

    async fn listed(&self) -> Result<Store, String> {
        let store = self.store.clone();
        let listed = spawn_blocking(move || list(&store)).await;
        let listed = listed.expect("the store's calls do not panic");
        listed.map_err(all)
    }

    fn offer(&self, item: &Item) -> Result<Offer, String> {
        let bought = self.purse.has_paid(&item.id).map_err(all)?;
        let most = self.purse.allowed(&item.id).map_err(all)?;
        Ok(Offer {
            item: item.id.to_string(),
            title: item.title.clone(),
            teaser: item.teaser.clone(),
            price: item.price_text(),
            price_msat: item.price_msat.0,
            content_type: item.content_type.clone(),
            size: item.size,
            bought,
            affordable: bought || item.price_msat <= most,
        })
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let tools = ServerCapabilities::builder().enable_tools().build();
        let Self { store, purse, .. } = self;
        ServerConfig::new(tools)
            .with_server_info(Implementation::new("purrwall", env!("CARGO_PKG_VERSION")))
            .with_instructions(format!(
                "Sells the goods of the store {store} for Lightning payments, which are real money. An item \
                 may cost {} at most, and all together {}. What was bought stays in {}, and is never paid \
                 for twice.",
                purse.each,
                purse.total,
                purse.dir.display()
            ))
    }
}

fn told(item: &ItemId, kept: &Kept) -> String {
    let bought = &kept.bought;
    let price = bought.proof.invoice.amount_msat;
    let price = price.map_or_else(String::new, |price| format!(" for {price}"));
    let deed = if kept.was_paid {
        format!("{item} was bought before{price}; nothing was paid now.")
    } else {
        format!("{item} is bought{price}.")
    };
    format!(
        "{deed} {} of the budget remain. The goods are in {}, the receipt in {}.",
        kept.remaining,
        bought.out.display(),
        bought.receipt.display()
    )
}

/// What an agent can do about it, where the command line's words would not help.
fn in_words(error: PurseError) -> String {
    match error {
        PurseError::Buy(BuyError::Pending) => {
            "the payment is still on its way; nothing more will be \
             paid. Call buy again later, and the goods come"
                .to_owned()
        }
        PurseError::Buy(BuyError::Undelivered { source, .. }) => format!(
            "it is paid for, but the goods did not come; call buy again, which costs nothing more: {}",
            all(source)
        ),
        PurseError::Buy(BuyError::Exists(path)) => format!(
            "{} is there, but is not what was bought; nothing was paid now. Move that file away",
            path.display()
        ),
        PurseError::Buy(BuyError::OtherPurchase { url, .. }) => format!(
            "the folder holds what was bought at {url}; start purrwall with another --dir for this store"
        ),
        error => all(error),
    }
}

/// The error with its causes.
fn all(error: impl Into<Error>) -> String {
    format!("{:#}", error.into())
}
