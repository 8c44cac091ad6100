//! `purrwall check`: whether the gateway could start and sell, without starting it.

use anyhow::{Context as _, Result, bail};
use gateway::config::{Arguments, Config};
use gateway::lightningd::Lightningd;

/// Checks the configuration and asks the node; the first thing that is wrong ends it.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let config = Config::new(arguments)?;
    let lightningd = Lightningd::new(config.lightning_rpc, config.timing.call_deadline);
    let node = match lightningd.node().await {
        Ok(node) => node,
        Err(error) => {
            let remedy = error.remedy();
            return Err(error).context(remedy);
        }
    };
    if let Some(expected) = config.network
        && expected != node.network
    {
        bail!(
            "lightningd is on {}, but --network says {expected}; correct it, or name the other \
             node's socket with --lightning-rpc",
            node.network
        );
    }
    println!("the node {} on {} answers", node.id, node.network);
    if let Some(syncing) = node.syncing {
        println!("it cannot be paid yet: {syncing}");
    }
    Ok(())
}
