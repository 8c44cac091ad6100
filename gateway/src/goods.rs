//! What is sold: the goods in their versions, and what they cost.

pub mod catalogue;
pub(crate) mod delivery;
pub mod files;
pub(crate) mod preview;
pub mod price;
pub mod rates;
pub mod sealed;
pub(crate) mod short_text;
pub mod versions;
