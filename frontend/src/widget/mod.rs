//! The element `<purr-wall>`. The program `purrwall-widget` connects it with JavaScript.
//!
//! - [`attributes`]: what the site asks for, parsed once.
//! - [`view`]: what is drawn in the element's shadow root.
//! - [`events`]: what the site is told as a purchase goes on.
//! - [`remote`]: connects the element with its drawn wall.
//! - [`stage`]: where it is drawn, used again by the next element.

pub mod attributes;
pub mod events;
pub mod remote;
pub mod stage;
pub mod view;
