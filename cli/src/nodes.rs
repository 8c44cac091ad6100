//! The store's nodes, to be asked without a gateway.

use lightningd::Lightningd;
use purrwall_gateway::options::Options;

/// A client of each node, in the owner's order.
pub fn lightningds(options: &Options) -> Vec<Lightningd> {
    let deadline = options.timing.call_deadline;
    let nodes = options.nodes.iter().cloned();
    nodes.map(|node| Lightningd::new(node, deadline)).collect()
}
