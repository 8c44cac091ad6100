//! Clients that this project did not write drive the devnet as they drive lightningd.

use std::path::Path;
use std::process::Command;

use cln_rpc::ClnRpc;
use cln_rpc::model::requests::{
    ConnectRequest, DecodeRequest, DelinvoiceRequest, DelinvoiceStatus, FundchannelRequest,
    GetinfoRequest, InvoiceRequest, ListchannelsRequest, ListfundsRequest, ListinvoicesRequest,
    ListnodesRequest, ListpeerchannelsRequest, NewaddrRequest, WaitIndexname, WaitRequest,
    WaitSubsystem, WaitanyinvoiceRequest, WaitinvoiceRequest, XpayRequest,
};
use cln_rpc::model::responses::{ListfundsChannels, ListinvoicesInvoicesStatus, WaitinvoiceStatus};
use cln_rpc::primitives::{Amount, AmountOrAll, AmountOrAny};
use devnet::Network;
use serde_json::{Value, json};

const PRICE_MSAT: u64 = 100_000;

#[tokio::test(flavor = "multi_thread")]
async fn cln_rpc_sells_and_buys() {
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(dir.path()).await.unwrap();
    let mut store = ClnRpc::new(network.store().rpc_path()).await.unwrap();
    let mut bob = ClnRpc::new(network.bob().rpc_path()).await.unwrap();

    let info = store.call_typed(&GetinfoRequest {}).await.unwrap();
    assert_eq!(info.id.to_string(), network.store().node_id());
    assert_eq!(
        (info.network.as_str(), info.num_active_channels),
        ("regtest", 1)
    );

    let invoice = InvoiceRequest {
        amount_msat: AmountOrAny::Amount(Amount::from_msat(PRICE_MSAT)),
        label: "cat".to_owned(),
        description: "a cat".to_owned(),
        expiry: Some(600),
        cltv: None,
        deschashonly: None,
        preimage: None,
        exposeprivatechannels: None,
        fallbacks: None,
    };
    let made = store.call_typed(&invoice).await.unwrap();
    let again = store.call_typed(&invoice).await.unwrap_err();
    assert_eq!(again.code, Some(900), "the label is taken");
    let string = made.bolt11.clone();
    let decoded = bob.call_typed(&DecodeRequest { string }).await.unwrap();
    assert_eq!(decoded.payee.unwrap(), info.id);

    let xpay: XpayRequest = serde_json::from_value(json!({"invstring": made.bolt11})).unwrap();
    let paid = bob.call_typed(&xpay).await.unwrap();
    assert_eq!(paid.amount_msat.msat(), PRICE_MSAT);
    assert_eq!(paid.amount_sent_msat.msat(), PRICE_MSAT + 2);
    let label = "cat".to_owned();
    let waited = store
        .call_typed(&WaitinvoiceRequest { label })
        .await
        .unwrap();
    assert!(matches!(waited.status, WaitinvoiceStatus::PAID));
    let any = WaitanyinvoiceRequest {
        lastpay_index: Some(0),
        timeout: Some(60),
    };
    assert_eq!(store.call_typed(&any).await.unwrap().label, "cat");
    let listed = store.call_typed(&by_label("cat")).await.unwrap().invoices;
    assert!(matches!(listed[0].status, ListinvoicesInvoicesStatus::PAID));
    let wait = WaitRequest {
        indexname: WaitIndexname::UPDATED,
        subsystem: WaitSubsystem::INVOICES,
        nextvalue: 0,
    };
    assert_eq!(store.call_typed(&wait).await.unwrap().updated, Some(1));
    let delete = DelinvoiceRequest {
        desconly: None,
        status: DelinvoiceStatus::PAID,
        label: "cat".to_owned(),
    };
    store.call_typed(&delete).await.unwrap();
    assert!(
        store
            .call_typed(&by_label("cat"))
            .await
            .unwrap()
            .invoices
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cln_rpc_opens_a_channel_that_is_usable_after_one_block() {
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(dir.path()).await.unwrap();
    let mut bob = ClnRpc::new(network.bob().rpc_path()).await.unwrap();
    let mut store = ClnRpc::new(network.store().rpc_path()).await.unwrap();

    let connect = ConnectRequest {
        id: format!(
            "{}@{}",
            network.store().node_id(),
            network.store().address()
        ),
        host: None,
        port: None,
    };
    let connected = bob.call_typed(&connect).await.unwrap();
    assert_eq!(connected.id.to_string(), network.store().node_id());
    let fund: FundchannelRequest = serde_json::from_value(json!({
        "id": network.store().node_id(), "amount": AmountOrAll::Amount(Amount::from_sat(200_000)),
    }))
    .unwrap();
    let funded = bob.call_typed(&fund).await.unwrap();
    network.mine(1);
    let list = ListpeerchannelsRequest {
        id: Some(connected.id),
        short_channel_id: None,
        channel_id: None,
    };
    let channel = loop {
        let channel = bob.call_typed(&list).await.unwrap().channels.remove(0);
        if channel.short_channel_id.is_some() && network.store().usable_channels() == 2 {
            break channel;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert_eq!(channel.funding_txid.unwrap(), funded.txid);
    assert_eq!(channel.to_us_msat.unwrap().msat(), 200_000_000);

    let funds = ListfundsRequest { spent: None };
    let funds = bob.call_typed(&funds).await.unwrap();
    let in_channel = |funds: &ListfundsChannels| funds.our_amount_msat.msat() == 200_000_000;
    assert!(funds.channels.iter().any(in_channel));
    assert_ne!(funds.outputs[0].amount_msat.msat(), 0);

    let invoice: InvoiceRequest = serde_json::from_value(json!({
        "amount_msat": "100sat", "label": "direct", "description": "d",
    }))
    .unwrap();
    let invoice = store.call_typed(&invoice).await.unwrap();
    let xpay: XpayRequest = serde_json::from_value(json!({"invstring": invoice.bolt11})).unwrap();
    let paid = bob.call_typed(&xpay).await.unwrap();
    assert_eq!(
        paid.amount_sent_msat.msat(),
        PRICE_MSAT,
        "no hop takes a fee"
    );

    let channels: ListchannelsRequest = serde_json::from_value(json!({})).unwrap();
    assert!(bob.call_typed(&channels).await.unwrap().channels.len() >= 4);
    let nodes = bob
        .call_typed(&ListnodesRequest { id: None })
        .await
        .unwrap();
    assert_eq!(nodes.nodes.len(), 3);
    let address = bob
        .call_typed(&NewaddrRequest { addresstype: None })
        .await
        .unwrap();
    assert!(address.bech32.unwrap().starts_with("bcrt1q"));
}

fn by_label(label: &str) -> ListinvoicesRequest {
    ListinvoicesRequest {
        index: None,
        invstring: None,
        label: Some(label.to_owned()),
        limit: None,
        offer_id: None,
        payment_hash: None,
        start: None,
    }
}

const PYTHON: &str = r#"
import json, sys
from pyln.client import LightningRpc, Millisatoshi, RpcError
store, alice = LightningRpc(sys.argv[1]), LightningRpc(sys.argv[2])
invoice = store.invoice("100sat", "python", "a cat")
decoded = alice.decode(invoice["bolt11"])
paid = alice.pay(invoice["bolt11"])
waited = store.waitinvoice("python")
listed = store.listinvoices(label="python")["invoices"][0]
try:
    store.invoice("100sat", "python", "a cat")
    code = None
except RpcError as error:
    code = error.error["code"]
print(json.dumps({
    "alias": store.getinfo()["alias"],
    "payee_is_store": decoded["payee"] == store.getinfo()["id"],
    "amount_sent": int(Millisatoshi(paid["amount_sent_msat"])),
    "same_preimage": paid["payment_preimage"] == waited["payment_preimage"],
    "status": listed["status"],
    "code": code,
    "channels": len(alice.listpeerchannels()["channels"]),
}))
"#;

#[tokio::test(flavor = "multi_thread")]
async fn pyln_client_sells_and_buys() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/python/bin/python");
    if !python.is_file() {
        let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!is_ci, "this test cannot run: there is no pyln-client");
        println!("skipped: there is no pyln-client; `cargo xtask setup` installs it");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(dir.path()).await.unwrap();
    let mut command = Command::new(python);
    command.args(["-c", PYTHON]);
    command.args([network.store(), network.alice()].map(|node| node.rpc_path()));
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = json!({
        "alias": "store",
        "payee_is_store": true,
        "amount_sent": PRICE_MSAT,
        "same_preimage": true,
        "status": "paid",
        "code": 900,
        "channels": 2,
    });
    assert_eq!(seen, expected);
}
