//! What is sold, in the OpenAPI document: an operation for each item and for each method of a route, with
//! `x-payment-info`.
//!
//! The form is that of the discovery draft of the scheme `Payment`: `offers` with amounts and methods.
//! Beside each stands the HTTP scheme that takes it.

use axum::http::Method;
use serde_json::{Value, json};
use shared::api::{Item, goods_path};
use shared::lightning::Msat;
use utoipa::openapi::extensions::{Extensions, ExtensionsBuilder};
use utoipa::openapi::path::{
    Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, Paths,
};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::{HttpMethod, OpenApi, PathItem, RefOr, Required, Response};

use crate::http::api::listing::{Access, LLMS, amount, described};
use crate::http::place::Place;

const PAYMENT_INFO: &str = "x-payment-info";
const GOODS: &str = "/goods/{item}";
const CONTENT: &str = "/api/v1/items/{item}/content";

/// Adds what is sold to the description of the API.
pub(crate) fn add(document: &mut OpenApi, items: &[Item], accesses: &[Access], place: &Place) {
    let files = (!items.is_empty()).then_some("files");
    let services = (!accesses.is_empty()).then_some("services");
    let categories: Vec<_> = [files, services].into_iter().flatten().collect();
    let about = json!({
        "categories": categories,
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
            extend(&mut operation.extensions, PAYMENT_INFO, offers(None));
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
    for access in accesses {
        let (path, is_tree) = access.route.path.path();
        let below = is_tree.then(|| format!("{path}/{{{BELOW}}}"));
        for path in [path.to_owned()].into_iter().chain(below) {
            let mut described = paths.remove(&path).unwrap_or_default();
            for (method, name) in access.methods().iter().filter_map(described_method) {
                let operation = opened(&template, access, &path, name);
                described.merge_operations(PathItem::new(method, operation));
            }
            paths.insert(path, described);
        }
    }
}

/// What stands for all paths below one.
const BELOW: &str = "below";

/// The methods that such a document knows.
fn described_method(method: &Method) -> Option<(HttpMethod, &'static str)> {
    Some(match *method {
        Method::GET => (HttpMethod::Get, "get"),
        Method::POST => (HttpMethod::Post, "post"),
        Method::PUT => (HttpMethod::Put, "put"),
        Method::PATCH => (HttpMethod::Patch, "patch"),
        Method::DELETE => (HttpMethod::Delete, "delete"),
        Method::HEAD => (HttpMethod::Head, "head"),
        Method::OPTIONS => (HttpMethod::Options, "options"),
        _ => return None,
    })
}

/// The operation of a service, whose own answers nobody here knows.
fn opened(template: &Operation, access: &Access, path: &str, method: &str) -> Operation {
    let is_word = |letter: char| letter.is_ascii_alphanumeric();
    let words: Vec<_> = path.split(|letter| !is_word(letter)).collect();
    let all = match &access.route.methods[..] {
        [] => "; any method is sold",
        _ => "",
    };
    let mut operation = OperationBuilder::new()
        .operation_id(Some(format!("{method}_service{}", words.join("_"))))
        .summary(Some(access.route.title.clone()))
        .description(Some(format!(
            "A service, as `{}`. One payment opens it for as often as you like{all}.",
            access.name()
        )))
        .tag("service")
        .response("200", Response::new("What the service answers."))
        .response(
            "502",
            Response::new("`upstream-unavailable`: the service is away. The claim stays good."),
        );
    if path.ends_with(&format!("{{{BELOW}}}")) {
        let below = ParameterBuilder::new()
            .name(BELOW)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some("The rest of the path, which may have slashes."))
            .schema(Some(Object::with_type(Type::String)));
        operation = operation.parameter(below);
    }
    for status in ["400", "401", "402", "429", "500", "503"] {
        if let Some(response) = template.responses.responses.get(status) {
            operation = operation.response(status, response.clone());
        }
    }
    let mut operation = operation.build();
    operation.security.clone_from(&template.security);
    let price = Some((access.price_msat, access.route.title.as_str()));
    extend(&mut operation.extensions, PAYMENT_INFO, offers(price));
    operation
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
        offers(Some((item.price_msat, &item.title))),
    );
    operation
}

/// The same payment in both schemes; that of `Payment` where the amount is whole satoshi. An amount that
/// is not known here is `null`: the challenge says it.
fn offers(sold: Option<(Msat, &str)>) -> Value {
    let asked = sold.map(|(price, _)| amount(price));
    let offer = |scheme: &str| {
        let mut offer = json!({
            "scheme": scheme,
            "intent": "charge",
            "method": "lightning",
            "amount": asked.map(|(amount, _)| amount.to_string()),
            "currency": asked.map_or("sat", |(_, currency)| currency),
        });
        if let Some((_, title)) = sold {
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
