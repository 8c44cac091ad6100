//! What is sold: the goods in their versions, and what they cost.

pub mod catalogue;
pub(crate) mod delivery;
pub mod price;
pub mod rates;
pub mod versions;
