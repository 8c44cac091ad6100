//! Which node a purchase goes to: every gateway orders the nodes in the same way, without a word between
//! them (rendezvous hashing). When a node comes or goes, only its own purchases go elsewhere.

use sha2::{Digest as _, Sha256};
use shared::lightning::NodeId;

/// How much the purchase that is called `token_id` wants to go to a node. Nobody but the store knows a
/// token_id beforehand, so nobody can aim purchases at one node.
pub(crate) fn weight(token_id: &[u8; 32], node: &NodeId) -> [u8; 32] {
    let hash = Sha256::new_with_prefix("purrwall node\0")
        .chain_update(token_id)
        .chain_update(node.to_hex());
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURCHASES: u16 = 3000;

    fn nodes() -> [NodeId; 3] {
        // Points of the curve, all three.
        [
            "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
            "03c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5",
            "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9",
        ]
        .map(|id| id.parse().unwrap())
    }

    fn chosen(purchase: u16, among: &[NodeId]) -> NodeId {
        let mut token_id = [0; 32];
        token_id[..2].copy_from_slice(&purchase.to_be_bytes());
        let among = among.iter().copied();
        among.max_by_key(|node| weight(&token_id, node)).unwrap()
    }

    #[test]
    fn each_node_gets_its_share() {
        for node in nodes() {
            let share = (0..PURCHASES).filter(|purchase| chosen(*purchase, &nodes()) == node);
            let share = share.count();
            assert!((900..1100).contains(&share), "{node}: {share}");
        }
    }

    #[test]
    fn the_order_of_the_list_does_not_count() {
        let [a, b, c] = nodes();
        for purchase in 0..PURCHASES {
            assert_eq!(chosen(purchase, &[a, b, c]), chosen(purchase, &[c, a, b]));
        }
    }

    #[test]
    fn a_node_that_goes_takes_only_its_own_purchases_along() {
        let [a, b, gone] = nodes();
        for purchase in 0..PURCHASES {
            let before = chosen(purchase, &nodes());
            if before != gone {
                assert_eq!(chosen(purchase, &[a, b]), before);
            }
        }
    }
}
