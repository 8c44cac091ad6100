//! How stores and hosts are asked over HTTP.

use std::time::Duration;

use ureq::Agent;

/// Connecting, and waiting for the first byte of an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Follows so many redirects, and takes as long as `whole` for all of an answer.
pub(crate) fn agent(redirects: u32, whole: Duration) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(redirects)
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .timeout_recv_body(Some(whole))
        .user_agent(concat!("purrwall/", env!("CARGO_PKG_VERSION")))
        .build();
    config.into()
}
