//! A node's coins on the chain: keys, addresses, and payments with change.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lightning::bitcoin::absolute::LockTime;
use lightning::bitcoin::bip32::{ChildNumber, Xpriv};
use lightning::bitcoin::secp256k1::{All, Message, PublicKey, Secp256k1, SecretKey};
use lightning::bitcoin::sighash::{EcdsaSighashType, SighashCache};
use lightning::bitcoin::{
    Address, Amount, CompressedPublicKey, Network, OutPoint, ScriptBuf, Sequence, Transaction,
    TxIn, TxOut, Witness, ecdsa, transaction,
};
use thiserror::Error;

use crate::chain::Chain;

/// Satoshi per virtual byte: the chain has room for everything, so the least that nodes relay.
const FEE_RATE_SAT_PER_VBYTE: u64 = 1;
/// Virtual bytes of a P2WPKH input with its witness.
const INPUT_VBYTES: u64 = 68;
/// Virtual bytes of everything else: header, one output to a script hash, one for change.
const OVERHEAD_VBYTES: u64 = 11 + 43 + 31;
/// Change below this is left to the miner, as nodes would not relay it.
const DUST: Amount = Amount::from_sat(294);

/// Why the wallet cannot pay.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{available} available, {needed} needed")]
pub struct InsufficientFunds {
    /// What the wallet can spend now.
    pub available: Amount,
    /// The payment with its fee.
    pub needed: Amount,
}

/// The on-chain wallet of one node: P2WPKH keys derived from a seed.
pub struct Wallet {
    chain: Arc<Chain>,
    secp: Secp256k1<All>,
    master: Xpriv,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Vec<Key>,
    /// Inputs of transactions that are made but perhaps not broadcast yet.
    reserved: HashSet<OutPoint>,
}

#[derive(Clone)]
struct Key {
    secret: SecretKey,
    public: PublicKey,
    script: ScriptBuf,
}

impl Wallet {
    /// Makes the wallet of a node's seed. The wallet's keys are apart from LDK's, which derives
    /// its own from the same seed with other indexes.
    #[expect(clippy::missing_panics_doc, reason = "a random seed is always valid")]
    pub fn new(chain: Arc<Chain>, seed: &[u8; 32]) -> Self {
        let master =
            Xpriv::new_master(Network::Regtest, seed).expect("a random seed is a valid master key");
        Self {
            chain,
            secp: Secp256k1::new(),
            master,
            state: Mutex::default(),
        }
    }

    /// A fresh address of this wallet.
    #[expect(
        clippy::missing_panics_doc,
        reason = "deriving a child key does not fail"
    )]
    pub fn new_address(&self) -> Address {
        let mut state = self.state();
        let index = u32::try_from(state.keys.len()).expect("fewer than 2^32 addresses");
        let path = [84, 1, 0]
            .map(|index| ChildNumber::Hardened { index })
            .into_iter()
            .chain([0, index].map(|index| ChildNumber::Normal { index }));
        let secret = self
            .master
            .derive_priv(&self.secp, &path.collect::<Vec<_>>())
            .expect("deriving a child key fails with a chance of 2^-127")
            .private_key;
        let public = secret.public_key(&self.secp);
        let address = Address::p2wpkh(&CompressedPublicKey(public), Network::Regtest);
        state.keys.push(Key {
            secret,
            public,
            script: address.script_pubkey(),
        });
        address
    }

    /// What the wallet can spend now.
    pub fn balance(&self) -> Amount {
        self.spendable().iter().map(|(_, coin)| coin.value).sum()
    }

    /// The coins that the wallet can spend now.
    pub fn spendable(&self) -> Vec<(OutPoint, TxOut)> {
        let coins = self.coins(&self.state()).into_iter();
        coins.map(|(outpoint, coin, _)| (outpoint, coin)).collect()
    }

    /// Makes a signed transaction that pays `output`, with the change back to this wallet.
    ///
    /// # Errors
    /// Tells what is missing.
    pub fn pay_to(&self, output: TxOut) -> Result<Transaction, InsufficientFunds> {
        let change_script = self.new_address().script_pubkey();
        let mut state = self.state();
        let mut coins = self.coins(&state);
        coins.sort_by_key(|(_, output, _)| std::cmp::Reverse(output.value));
        let available = coins.iter().map(|(_, output, _)| output.value).sum();

        let mut chosen = Vec::new();
        let mut gathered = Amount::ZERO;
        let mut needed = output.value + fee_for(1);
        for coin in coins {
            gathered += coin.1.value;
            chosen.push(coin);
            needed = output.value + fee_for(chosen.len());
            if gathered >= needed {
                break;
            }
        }
        let Some(change) = gathered.checked_sub(needed) else {
            return Err(InsufficientFunds { available, needed });
        };
        let mut outputs = vec![output];
        if change >= DUST {
            outputs.push(TxOut {
                value: change,
                script_pubkey: change_script,
            });
        }
        state
            .reserved
            .extend(chosen.iter().map(|(outpoint, ..)| *outpoint));
        Ok(self.sign(&chosen, outputs))
    }

    fn sign(&self, inputs: &[(OutPoint, TxOut, Key)], output: Vec<TxOut>) -> Transaction {
        let mut tx = Transaction {
            version: transaction::Version::TWO,
            lock_time: LockTime::ZERO,
            input: inputs
                .iter()
                .map(|(outpoint, ..)| TxIn {
                    previous_output: *outpoint,
                    sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
                    ..TxIn::default()
                })
                .collect(),
            output,
        };
        let unsigned = tx.clone();
        let mut sighashes = SighashCache::new(&unsigned);
        for (index, (_, spent, key)) in inputs.iter().enumerate() {
            let sighash = sighashes
                .p2wpkh_signature_hash(index, &key.script, spent.value, EcdsaSighashType::All)
                .expect("the input exists and its script is P2WPKH");
            let signature = self.secp.sign_ecdsa(&Message::from(sighash), &key.secret);
            let signature = ecdsa::Signature::sighash_all(signature);
            tx.input[index].witness = Witness::p2wpkh(&signature, &key.public);
        }
        tx
    }

    fn coins(&self, state: &State) -> Vec<(OutPoint, TxOut, Key)> {
        let of_key = |key: &Key| {
            let coins = self.chain.spendable(&key.script).into_iter();
            coins
                .map(|(outpoint, output)| (outpoint, output, key.clone()))
                .collect::<Vec<_>>()
        };
        let mut coins: Vec<_> = state.keys.iter().flat_map(of_key).collect();
        coins.retain(|(outpoint, ..)| !state.reserved.contains(outpoint));
        coins
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fee_for(inputs: usize) -> Amount {
    let inputs = u64::try_from(inputs).expect("a count fits in 64 bits");
    Amount::from_sat((OVERHEAD_VBYTES + inputs * INPUT_VBYTES) * FEE_RATE_SAT_PER_VBYTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn funded() -> (Arc<Chain>, Wallet) {
        let chain = Chain::new();
        let wallet = Wallet::new(Arc::clone(&chain), &[7; 32]);
        chain.mine(Some(wallet.new_address().script_pubkey()));
        for _ in 0..100 {
            chain.mine(None);
        }
        (chain, wallet)
    }

    #[test]
    fn change_comes_back_and_the_fee_is_paid() {
        let (chain, wallet) = funded();
        let before = wallet.balance();
        let other = Wallet::new(Arc::clone(&chain), &[8; 32]);
        let script_pubkey = other.new_address().script_pubkey();
        let value = Amount::from_sat(1_000_000);
        let tx = wallet
            .pay_to(TxOut {
                value,
                script_pubkey,
            })
            .unwrap();
        assert_eq!(wallet.balance(), Amount::ZERO, "its only coin is reserved");
        chain.submit(&tx).unwrap();
        chain.mine(None);
        assert_eq!(other.balance(), value);
        let fee = before - wallet.balance() - value;
        assert!(
            fee.to_sat() >= u64::try_from(tx.vsize()).unwrap(),
            "1 sat/vB at least"
        );
    }

    #[test]
    fn too_much_is_refused_with_what_there_is() {
        let (_chain, wallet) = funded();
        let value = Amount::from_sat(51 * 100_000_000);
        let script_pubkey = ScriptBuf::new();
        let error = wallet
            .pay_to(TxOut {
                value,
                script_pubkey,
            })
            .unwrap_err();
        assert_eq!(error.available, Amount::from_sat(50 * 100_000_000));
        assert!(error.needed > value);
    }
}
