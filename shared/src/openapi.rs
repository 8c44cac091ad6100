//! The wire types that are not plain structs, as OpenAPI describes them. Only with the feature
//! `openapi`; the gateway has it, the browser does not.

use std::borrow::Cow;

use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::api::{ItemId, PurchaseId};
use crate::claim::Claim;
use crate::content::ContentHash;
use crate::digest::Digest;
use crate::fiat::{Currency, Decimal};
use crate::lightning::{Msat, NodeId, PaymentHash, Preimage};
use crate::problem::ErrorCode;
use crate::sealed::{SecretId, WrappedKey};

macro_rules! schemas {
    ($($type:ident: $schema:expr;)*) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                Schema::Object($schema).into()
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                stringify!($type).into()
            }
        }
    )*};
}

schemas! {
    ItemId: text("An item's name in addresses.", "^[a-z0-9-]{1,48}$", "two-cats");
    PurchaseId: text(
        "Names a purchase: 16 random bytes, made and kept by the buyer before it asks. As secret as \
         the claim.",
        "^[0-9A-Fa-f]{32}$",
        "5b0c7b4bd1c7a1b7b1a4b0a6a2f0c9de",
    );
    Claim: text(
        "The buyer's ticket: an L402 macaroon in base64. Whoever has it can take the goods once they \
         are paid.",
        "^[A-Za-z0-9+/_-]+=*$",
        "AgJCAAA",
    );
    ContentHash: text(
        "The SHA-256 of the goods' bytes.",
        "^[0-9a-f]{64}$",
        "404cdd7bc109c432f8cc2443b45bcfe95980f5107215c645236e577929ac3e52",
    );
    Digest: text(
        "A SHA-256 of something that is sealed.",
        "^[0-9a-f]{64}$",
        "404cdd7bc109c432f8cc2443b45bcfe95980f5107215c645236e577929ac3e52",
    );
    WrappedKey: text(
        "The key of sealed goods, which payment and claim together open.",
        "^[0-9a-f]{64}$",
        "5c8e44dd0a4b8d4a5b0d6d3e4a1f5a7a0b6e5d4c3b2a19080716253443526170",
    );
    SecretId: text("The name of a seal secret of the store's.", "^[0-9a-f]{8}$", "9f2c01d4");
    PaymentHash: text(
        "Names a payment: the SHA-256 of its preimage.",
        "^[0-9a-f]{64}$",
        "a03adbefa7a1da6640959ea04bcdf247d9cbfedd9d7c9146c9af0e584dae78de",
    );
    Preimage: text(
        "The proof of a payment; its SHA-256 is the payment hash.",
        "^[0-9a-f]{64}$",
        "910ecd36ab6a6e6fcf2f1c1a3e06b6b1d4f9fd6c6c7d5d0c6a3a4e5f60718293",
    );
    NodeId: text(
        "A Lightning node's public key.",
        "^0[23][0-9a-f]{64}$",
        "03ddeaecd301b035406f4f806b149b1be2e4e925fa3d117fdc4873394222423642",
    );
    Currency: text("A state's currency (ISO 4217).", "^[A-Z]{3}$", "USD");
    Decimal: text(
        "A decimal number as text, so that no digit is lost.",
        "^[0-9]+(\\.[0-9]+)?$",
        "0.25",
    );
    Msat: ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Integer))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(0))
        .description(Some("An amount in millisatoshi."))
        .examples([100_000])
        .build();
    ErrorCode: ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .enum_values(Some(Self::ALL.iter().map(|code| code.name())))
        .description(Some(
            "The kind of problem for programs. Its meaning never changes; a later version may send \
             others.",
        ))
        .build();
}

fn text(description: &str, pattern: &str, example: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .description(Some(description))
        .pattern(Some(pattern))
        .examples([example])
        .build()
}
