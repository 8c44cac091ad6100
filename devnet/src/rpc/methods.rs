//! The methods by name.

use std::future::Future;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::answer::{Answer, Reply};
use super::cost::cost;
use super::error::RpcError;
use super::{autoclean, channels, decode, funds, info, invoices, pay, runes, waiting};
use crate::node::Node;

/// Calls a method when it is its turn.
pub(crate) async fn call(node: &Arc<Node>, method: &str, params: &RawValue) -> Reply {
    let work = || dispatch(node, method, params);
    node.main_loop.run(work, |reply| cost(method, reply)).await
}

fn dispatch(node: &Arc<Node>, method: &str, params: &RawValue) -> Reply {
    match method {
        "getinfo" => Reply::Now(info::getinfo(node, params)),
        "invoice" => Reply::Now(invoices::invoice(node, params)),
        "listinvoices" => Reply::Now(invoices::listinvoices(node, params)),
        "delinvoice" => Reply::Now(invoices::delinvoice(node, params)),
        "waitinvoice" => later(waiting::waitinvoice(node, params)),
        "waitanyinvoice" => later(waiting::waitanyinvoice(node, params)),
        "wait" => later(waiting::wait(node, params)),
        "decode" => Reply::Now(decode::decode(params)),
        "pay" => later(pay::pay(node, params)),
        "xpay" => later(pay::xpay(node, params)),
        "listpays" => Reply::Now(pay::listpays(node, params)),
        "connect" => later(channels::connect(node, params)),
        "fundchannel" => later(channels::fundchannel(node, params)),
        "listpeerchannels" => Reply::Now(channels::listpeerchannels(node, params)),
        "listnodes" => Reply::Now(info::listnodes(node, params)),
        "listchannels" => Reply::Now(info::listchannels(node, params)),
        "listfunds" => Reply::Now(funds::listfunds(node, params)),
        "help" => Reply::Now(info::help(params)),
        "listconfigs" => Reply::Now(info::listconfigs(params)),
        "newaddr" => Reply::Now(info::newaddr(node, params)),
        "autoclean-status" => Reply::Now(autoclean::status(node, params)),
        "autoclean-once" => Reply::Now(autoclean::once(node, params)),
        "setconfig" => Reply::Now(autoclean::setconfig(node, params)),
        "createrune" => Reply::Now(runes::createrune(node, params)),
        "showrunes" => Reply::Now(runes::showrunes(node, params)),
        "checkrune" => Reply::Now(runes::checkrune(node, params)),
        "blacklistrune" => Reply::Now(runes::blacklistrune(node, params)),
        "stop" => match info::stop(params) {
            Ok(answer) => Reply::Stop(Ok(answer)),
            Err(error) => Reply::Now(Err(error)),
        },
        unknown => Reply::Now(Err(RpcError::unknown_command(unknown))),
    }
}

/// Bad parameters are answered at once, in order; only what really waits becomes a task.
fn later<F>(prepared: Result<F, RpcError>) -> Reply
where
    F: Future<Output = Answer> + Send + 'static,
{
    match prepared {
        Ok(answer) => Reply::Later(Box::pin(answer)),
        Err(error) => Reply::Now(Err(error)),
    }
}
