//! The names of the frontend's programs, which the names of their files begin with.

/// The store's own page.
pub(crate) const PAGE: &str = "purrwall-page";
/// The custom element on other sites.
pub(crate) const WIDGET: &str = "purrwall-widget";
/// Both.
pub(crate) const ALL: [&str; 2] = [PAGE, WIDGET];
