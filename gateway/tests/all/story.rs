//! The story: alice buys two cats directly, bob buys them through alice, and nobody gets them
//! without paying. Over the devnet, and over real nodes where the environment names them.

use purrwall_gateway::options::Timing;
use shared::api::Status;
use shared::problem::ErrorCode;

use testing::nodes::{Nodes, balance, pay};
use testing::page_buyer::Buyer;
use testing::tools::{TestGateway, l402, options, say};

const TWO_CATS: &[u8] = include_bytes!("../../cats/two-cats.txt");
const PRICE_MSAT: u64 = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_the_devnet() {
    story(&Nodes::devnet().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_real_nodes() {
    match Nodes::from_environment() {
        Ok(nodes) => story(&nodes).await,
        // Nothing installs real nodes: the environment names them, or there are none.
        Err(why) => say(&format!("skipped: the story over real nodes: {why}")),
    }
}

async fn story(nodes: &Nodes) {
    let mut options = options(&nodes.store);
    options.timing = Timing::default();
    let gateway = TestGateway::with(options);
    let sockets = [&nodes.store, &nodes.alice, &nodes.bob];
    let before = balances(sockets).await;

    // Alice has a channel with the store.
    let mut alice = Buyer::comes(&gateway, "two-cats").await;
    let bolt11 = alice.asks_for_the_invoice().await;
    let (goods, _) = tokio::join!(alice.gets_the_goods(), pay(&nodes.alice, &bolt11));
    assert_eq!(goods, TWO_CATS);

    // Bob has none; he pays through alice.
    let mut bob = Buyer::comes(&gateway, "two-cats").await;
    let bolt11 = bob.asks_for_the_invoice().await;
    let (goods, preimage) = tokio::join!(bob.gets_the_goods(), pay(&nodes.bob, &bolt11));
    assert_eq!(goods, TWO_CATS);

    // The store has what both paid, alice what bob paid for the way.
    let expected_store = before[0] + 2 * PRICE_MSAT;
    let mut after = balances(sockets).await;
    for _ in 0..200 {
        if after[0] == expected_store && after[2] < before[2] {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        after = balances(sockets).await;
    }
    assert_eq!(after[0], expected_store);
    let paid_by_bob = before[2] - after[2];
    let fee = paid_by_bob - PRICE_MSAT;
    assert!(fee < PRICE_MSAT / 10, "{fee} msat are no usual fee");
    assert_eq!(after[1], before[1] - PRICE_MSAT + fee);

    // Nobody gets the cats without paying: not with a claim of one's own, and not with what
    // others saw of bob's payment.
    let created = gateway.create("two-cats").await;
    assert_eq!(
        gateway.status(&created.claim, 0).await.status,
        Status::Unpaid
    );
    let own = l402(&created.claim);
    for (credential, code) in [
        (own.clone(), ErrorCode::PaymentRequired),
        (format!("{own}:{preimage}"), ErrorCode::InvalidClaim),
        (format!("L402 {preimage}"), ErrorCode::InvalidClaim),
        (
            format!("L402 {}", payment_hash(&preimage)),
            ErrorCode::InvalidClaim,
        ),
        (
            format!("L402 {}:{preimage}", payment_hash(&preimage)),
            ErrorCode::InvalidClaim,
        ),
    ] {
        let answer = gateway.content("two-cats", &[&credential]).await;
        answer.assert_problem(code);
    }
    let stranger = gateway.content("two-cats", &[]).await;
    stranger.assert_problem(ErrorCode::PaymentRequired);
}

async fn balances(sockets: [&std::path::PathBuf; 3]) -> [u64; 3] {
    let [store, alice, bob] = sockets;
    [
        balance(store).await,
        balance(alice).await,
        balance(bob).await,
    ]
}

fn payment_hash(preimage: &str) -> String {
    let preimage: shared::lightning::Preimage = preimage.parse().unwrap();
    preimage.payment_hash().to_hex()
}
