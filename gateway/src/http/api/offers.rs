//! What is sold, in the OpenAPI document: an operation for each item, with `x-payment-info`.
//!
//! The form is that of the discovery draft of the scheme `Payment`: `offers` with amounts and methods.
//! Beside each stands the HTTP scheme that takes it.

use serde_json::{Value, json};
use shared::api::{Item, goods_path};
use utoipa::openapi::extensions::{Extensions, ExtensionsBuilder};
use utoipa::openapi::path::{Operation, Parameter, Paths};
use utoipa::openapi::{OpenApi, PathItem, RefOr};

use crate::http::api::listing::{LLMS, amount, described};
use crate::http::place::Place;

const PAYMENT_INFO: &str = "x-payment-info";
const GOODS: &str = "/goods/{item}";
const CONTENT: &str = "/api/v1/items/{item}/content";

/// Adds what is sold to the description of the API.
pub(crate) fn add(document: &mut OpenApi, items: &[Item], place: &Place) {
    let about = json!({
        "categories": ["files"],
        "docs": {
            "homepage": place.address("/"),
            "llms": place.address(LLMS),
        },
    });
    extend(&mut document.extensions, "x-service-info", about);
    let Paths { paths, .. } = &mut document.paths;
    for path in [GOODS, CONTENT] {
        if let Some(operation) = paths.get_mut(path).and_then(|item| item.get.as_mut()) {
            // Each item has a price of its own.
            extend(&mut operation.extensions, PAYMENT_INFO, offers(None, None));
        }
    }
    let template = paths.get(GOODS).and_then(|item| item.get.clone());
    let template = template.expect("the goods' address is described");
    for item in items {
        let operation = sold(&template, item);
        let mut path = PathItem::default();
        path.get = Some(operation);
        paths.insert(goods_path(&item.id), path);
    }
}

/// The operation that buys the item.
fn sold(template: &Operation, item: &Item) -> Operation {
    let mut operation = template.clone();
    operation.operation_id = Some(format!("get_goods_{}", item.id));
    operation.summary = Some(item.title.clone());
    operation.description = Some(described(item));
    if let Some(parameters) = &mut operation.parameters {
        let is_item = |parameter: &RefOr<Parameter>| match parameter {
            RefOr::T(parameter) => parameter.name == "item",
            RefOr::Ref(_) => false,
        };
        parameters.retain(|parameter| !is_item(parameter));
    }
    extend(
        &mut operation.extensions,
        PAYMENT_INFO,
        offers(Some(item), Some(&item.title)),
    );
    operation
}

/// The same payment in both schemes; that of `Payment` where the amount is whole satoshi. An amount that
/// is not known here is `null`: the challenge says it.
fn offers(item: Option<&Item>, title: Option<&str>) -> Value {
    let asked = item.map(|item| amount(item.price_msat));
    let offer = |scheme: &str| {
        let mut offer = json!({
            "scheme": scheme,
            "intent": "charge",
            "method": "lightning",
            "amount": asked.map(|(amount, _)| amount.to_string()),
            "currency": asked.map_or("sat", |(_, currency)| currency),
        });
        if let Some(title) = title {
            offer["description"] = title.into();
        }
        offer
    };
    let has_charge = asked.is_none_or(|(_, currency)| currency == "sat");
    let charge = has_charge.then(|| offer("Payment"));
    let offers: Vec<_> = charge.into_iter().chain([offer("L402")]).collect();
    json!({ "offers": offers })
}

fn extend(extensions: &mut Option<Extensions>, name: &str, value: Value) {
    let more = ExtensionsBuilder::new().add(name, value).build();
    match extensions {
        Some(extensions) => extensions.merge(more),
        None => *extensions = Some(more),
    }
}
