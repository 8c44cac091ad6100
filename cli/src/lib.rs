//! The settings of a Purrwall store: its file, `purrwall.toml`, and the variables `PURRWALL_…`.
//!
//! This crate is the program `purrwall`. Programs of your own use it to open the same store from the
//! same file:
//!
//! ```no_run
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = purrwall::open("my-store/purrwall.toml").await?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, store.router()).await?;
//! # Ok(())
//! # }
//! ```

pub mod nodes;
mod open;
pub mod settings;
pub mod store_rune;
pub mod store_secret;

pub use open::{OpenError, open};
