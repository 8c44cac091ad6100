//! A regtest chain in memory: blocks, a mempool, and confirmations on demand.
//!
//! Headers, merkle roots, witness commitments and proof of work are real, and a transaction is
//! taken only if its inputs exist, are unspent and cover its outputs. Scripts are not executed:
//! every transaction here comes from LDK or from [`crate::wallet`], both of which sign for real.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use lightning::bitcoin::absolute::{Height, LockTime, Time};
use lightning::bitcoin::block::{Header, Version};
use lightning::bitcoin::blockdata::constants::{COINBASE_MATURITY, ChainHash, genesis_block};
use lightning::bitcoin::hashes::Hash;
use lightning::bitcoin::script::{Builder, PushBytesBuf};
use lightning::bitcoin::{
    Amount, Block, BlockHash, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn,
    TxMerkleNode, TxOut, Txid, Witness, transaction,
};
use lightning::chain::chaininterface::BroadcasterInterface;
use lightning::chain::{BestBlock, Listen};
use lightning::routing::utxo::{UtxoLookup, UtxoLookupError, UtxoResult};
use lightning::util::scid_utils::{block_from_scid, tx_index_from_scid, vout_from_scid};
use thiserror::Error;

use crate::clock::unix_time;

/// The subsidy of a regtest block before its first halving.
const SUBSIDY: Amount = Amount::from_sat(50 * 100_000_000);
/// Regtest halves the subsidy every 150 blocks.
const HALVING_INTERVAL: u32 = 150;

/// Why a transaction is not taken into the mempool.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TransactionError {
    /// An input names an output that does not exist.
    #[error("input {0} does not exist")]
    UnknownInput(OutPoint),
    /// An input is already spent, on chain or in the mempool.
    #[error("input {0} is already spent")]
    SpentInput(OutPoint),
    /// A coinbase output is spent before it is 100 blocks deep.
    #[error("input {0} is a coinbase output that is not mature yet")]
    ImmatureInput(OutPoint),
    /// The outputs are worth more than the inputs.
    #[error("outputs of {outputs} exceed inputs of {inputs}")]
    Overspent {
        /// What the inputs hold.
        inputs: Amount,
        /// What the outputs ask for.
        outputs: Amount,
    },
    /// The lock time has not come.
    #[error("lock time {0} has not come")]
    Locked(LockTime),
    /// There are no inputs or no outputs.
    #[error("a transaction needs inputs and outputs")]
    Empty,
}

/// An output that nobody has spent yet, and where it came from.
#[derive(Debug, Clone)]
pub struct Coin {
    /// The output itself.
    pub output: TxOut,
    height: u32,
    is_coinbase: bool,
}

/// The chain that all nodes of a network follow.
pub struct Chain {
    state: Mutex<State>,
    /// Held from the choice of a block's transactions until every follower has seen the block,
    /// so that followers see blocks in order. `state` stays free: followers may broadcast.
    mining: Mutex<()>,
    followers: Mutex<Vec<Weak<dyn Listen + Send + Sync>>>,
}

struct State {
    blocks: Vec<Block>,
    coins: HashMap<OutPoint, Coin>,
    mempool: Vec<Transaction>,
    spent_in_mempool: HashSet<OutPoint>,
}

impl Chain {
    /// Starts a chain at the regtest genesis block.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                blocks: vec![genesis_block(Network::Regtest)],
                coins: HashMap::new(),
                mempool: Vec::new(),
                spent_in_mempool: HashSet::new(),
            }),
            mining: Mutex::new(()),
            followers: Mutex::new(Vec::new()),
        })
    }

    /// The newest block's hash and height.
    pub fn tip(&self) -> BestBlock {
        let state = self.state();
        BestBlock::new(state.tip_hash(), state.tip_height())
    }

    /// Adds a follower, which sees every block mined from now on. The chain does not keep it alive.
    pub fn follow(&self, follower: Weak<dyn Listen + Send + Sync>) {
        let _between_blocks = lock(&self.mining);
        lock(&self.followers).push(follower);
    }

    /// Takes a transaction into the mempool; one that is known already is taken again silently.
    ///
    /// # Errors
    /// Names the first rule that the transaction breaks.
    pub fn submit(&self, tx: &Transaction) -> Result<(), TransactionError> {
        self.state().submit(tx)
    }

    /// Mines one block with the whole mempool in it, tells the followers and returns its height.
    /// The subsidy goes to `reward`, or is burnt.
    pub fn mine(&self, reward: Option<ScriptBuf>) -> u32 {
        let _one_block_at_a_time = lock(&self.mining);
        let (block, height) = self.state().mine(reward);
        let followers: Vec<_> = {
            let mut followers = lock(&self.followers);
            followers.retain(|follower| follower.strong_count() > 0);
            followers.iter().filter_map(Weak::upgrade).collect()
        };
        for follower in followers {
            follower.block_connected(&block, height);
        }
        height
    }

    /// The confirmed, mature, unspent outputs that pay to `script`.
    pub fn spendable(&self, script: &ScriptBuf) -> Vec<(OutPoint, TxOut)> {
        let state = self.state();
        let next_height = state.tip_height() + 1;
        let mut coins: Vec<_> = state
            .coins
            .iter()
            .filter(|(outpoint, coin)| {
                coin.output.script_pubkey == *script
                    && coin.is_mature_at(next_height)
                    && !state.spent_in_mempool.contains(outpoint)
            })
            .map(|(outpoint, coin)| (*outpoint, coin.output.clone()))
            .collect();
        coins.sort_by_key(|(outpoint, _)| *outpoint);
        coins
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// How LDK puts transactions on the chain. A refused one is logged: on a chain that only this
/// process writes to, it means a bug.
impl BroadcasterInterface for Chain {
    fn broadcast_transactions(&self, txs: &[&Transaction]) {
        for tx in txs {
            if let Err(error) = self.submit(tx) {
                tracing::warn!(txid = %tx.compute_txid(), %error, "transaction refused");
            }
        }
    }
}

/// How LDK checks that an announced channel exists on chain.
impl UtxoLookup for Chain {
    fn get_utxo(&self, chain_hash: &ChainHash, short_channel_id: u64) -> UtxoResult {
        if *chain_hash != ChainHash::REGTEST {
            return UtxoResult::Sync(Err(UtxoLookupError::UnknownChain));
        }
        let output = self.state().unspent_at(short_channel_id);
        UtxoResult::Sync(output.ok_or(UtxoLookupError::UnknownTx))
    }
}

impl Coin {
    fn is_mature_at(&self, height: u32) -> bool {
        !self.is_coinbase || height >= self.height + COINBASE_MATURITY
    }
}

impl State {
    fn tip(&self) -> &Block {
        self.blocks
            .last()
            .expect("the genesis block is always there")
    }

    fn tip_hash(&self) -> BlockHash {
        self.tip().block_hash()
    }

    fn tip_height(&self) -> u32 {
        u32::try_from(self.blocks.len() - 1).expect("fewer than 2^32 blocks fit in memory")
    }

    fn submit(&mut self, tx: &Transaction) -> Result<(), TransactionError> {
        let txid = tx.compute_txid();
        if self.knows(txid) {
            return Ok(());
        }
        if tx.input.is_empty() || tx.output.is_empty() {
            return Err(TransactionError::Empty);
        }
        let tip_height = Height::from_consensus(self.tip_height())
            .expect("heights in memory stay below the lock time threshold");
        let tip_time = Time::from_consensus(self.tip().header.time)
            .expect("the genesis block is later than the lock time threshold");
        if !tx.is_absolute_timelock_satisfied(tip_height, tip_time) {
            return Err(TransactionError::Locked(tx.lock_time));
        }
        let outputs = tx.output.iter().map(|output| output.value).sum();
        let inputs = self.value_of_inputs(tx)?;
        if outputs > inputs {
            return Err(TransactionError::Overspent { inputs, outputs });
        }
        self.spent_in_mempool
            .extend(tx.input.iter().map(|input| input.previous_output));
        self.mempool.push(tx.clone());
        Ok(())
    }

    fn value_of_inputs(&self, tx: &Transaction) -> Result<Amount, TransactionError> {
        let mut total = Amount::ZERO;
        let mut seen = HashSet::new();
        for outpoint in tx.input.iter().map(|input| input.previous_output) {
            if self.spent_in_mempool.contains(&outpoint) || !seen.insert(outpoint) {
                return Err(TransactionError::SpentInput(outpoint));
            }
            total += match self.coins.get(&outpoint) {
                Some(coin) if coin.is_mature_at(self.tip_height() + 1) => coin.output.value,
                Some(_) => return Err(TransactionError::ImmatureInput(outpoint)),
                None => self
                    .unconfirmed(outpoint)
                    .ok_or_else(|| self.why_missing(outpoint))?,
            };
        }
        Ok(total)
    }

    fn unconfirmed(&self, outpoint: OutPoint) -> Option<Amount> {
        let parent = self
            .mempool
            .iter()
            .find(|tx| tx.compute_txid() == outpoint.txid)?;
        let output = parent.output.get(usize::try_from(outpoint.vout).ok()?)?;
        Some(output.value)
    }

    fn why_missing(&self, outpoint: OutPoint) -> TransactionError {
        if self.knows(outpoint.txid) {
            TransactionError::SpentInput(outpoint)
        } else {
            TransactionError::UnknownInput(outpoint)
        }
    }

    fn knows(&self, txid: Txid) -> bool {
        let confirmed = self.blocks.iter().flat_map(|block| &block.txdata);
        self.mempool
            .iter()
            .chain(confirmed)
            .any(|tx| tx.compute_txid() == txid)
    }

    fn unspent_at(&self, short_channel_id: u64) -> Option<TxOut> {
        let block = self
            .blocks
            .get(usize::try_from(block_from_scid(short_channel_id)).ok()?)?;
        let index = usize::try_from(tx_index_from_scid(short_channel_id)).ok()?;
        let vout = u32::from(vout_from_scid(short_channel_id));
        let txid = block.txdata.get(index)?.compute_txid();
        self.coins
            .get(&OutPoint { txid, vout })
            .map(|coin| coin.output.clone())
    }

    fn mine(&mut self, reward: Option<ScriptBuf>) -> (Block, u32) {
        let height = self.tip_height() + 1;
        let mut transactions = std::mem::take(&mut self.mempool);
        self.spent_in_mempool.clear();
        let fees: Amount = transactions
            .iter()
            .map(|tx| self.apply(tx, height, false))
            .sum();
        let subsidy = Amount::from_sat(
            SUBSIDY
                .to_sat()
                .checked_shr(height / HALVING_INTERVAL)
                .unwrap_or(0),
        );
        transactions.insert(0, coinbase(height, subsidy + fees, reward));

        let mut block = Block {
            header: Header {
                version: Version::from_consensus(0x2000_0000),
                prev_blockhash: self.tip_hash(),
                merkle_root: TxMerkleNode::all_zeros(),
                time: unix_time().max(self.median_time() + 1),
                bits: self.tip().header.bits,
                nonce: 0,
            },
            txdata: transactions,
        };
        commit_to_witnesses(&mut block);
        block.header.merkle_root = block
            .compute_merkle_root()
            .expect("a block has at least its coinbase");
        while block.header.validate_pow(block.header.target()).is_err() {
            block.header.nonce += 1;
        }

        self.apply(&block.txdata[0], height, true);
        self.blocks.push(block.clone());
        (block, height)
    }

    /// Moves a transaction's coins and returns its fee, zero for a coinbase.
    fn apply(&mut self, tx: &Transaction, height: u32, is_coinbase: bool) -> Amount {
        let spent: Amount = tx
            .input
            .iter()
            .filter_map(|input| self.coins.remove(&input.previous_output))
            .map(|coin| coin.output.value)
            .sum();
        let txid = tx.compute_txid();
        for (vout, output) in (0..).zip(&tx.output) {
            if !output.script_pubkey.is_op_return() {
                let coin = Coin {
                    output: output.clone(),
                    height,
                    is_coinbase,
                };
                self.coins.insert(OutPoint { txid, vout }, coin);
            }
        }
        let paid = tx.output.iter().map(|output| output.value).sum();
        spent.checked_sub(paid).unwrap_or(Amount::ZERO)
    }

    fn median_time(&self) -> u32 {
        let mut times: Vec<_> = self
            .blocks
            .iter()
            .rev()
            .take(11)
            .map(|block| block.header.time)
            .collect();
        times.sort_unstable();
        times[times.len() / 2]
    }
}

fn coinbase(height: u32, value: Amount, reward: Option<ScriptBuf>) -> Transaction {
    let burn = || ScriptBuf::new_op_return(PushBytesBuf::new());
    Transaction {
        version: transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::null(),
            // BIP 34 puts the height first; the zero keeps the script at its least length of two.
            script_sig: Builder::new()
                .push_int(i64::from(height))
                .push_int(0)
                .into_script(),
            sequence: Sequence::MAX,
            witness: Witness::from_slice(&[[0u8; 32]]),
        }],
        output: vec![TxOut {
            value,
            script_pubkey: reward.unwrap_or_else(burn),
        }],
    }
}

/// Appends BIP 141's commitment to the coinbase.
fn commit_to_witnesses(block: &mut Block) {
    let witness_root = block
        .witness_root()
        .expect("a block has at least its coinbase");
    let commitment = Block::compute_witness_commitment(&witness_root, &[0; 32]);
    let mut script = vec![0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];
    script.extend_from_slice(commitment.as_byte_array());
    block.txdata[0].output.push(TxOut {
        value: Amount::ZERO,
        script_pubkey: ScriptBuf::from_bytes(script),
    });
}

/// Locks also after another thread panicked: the panic is that thread's to report.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anyone_can_spend() -> ScriptBuf {
        Builder::new().push_int(1).into_script()
    }

    fn spend(outpoint: OutPoint, value: Amount) -> Transaction {
        Transaction {
            version: transaction::Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output: outpoint,
                ..TxIn::default()
            }],
            output: vec![TxOut {
                value,
                script_pubkey: anyone_can_spend(),
            }],
        }
    }

    fn chain_with_a_mature_coin() -> (Arc<Chain>, OutPoint, Amount) {
        let chain = Chain::new();
        chain.mine(Some(anyone_can_spend()));
        for _ in 0..COINBASE_MATURITY {
            chain.mine(None);
        }
        let coins = chain.spendable(&anyone_can_spend());
        (chain, coins[0].0, coins[0].1.value)
    }

    #[test]
    fn blocks_are_linked_committed_and_mined() {
        let (chain, outpoint, value) = chain_with_a_mature_coin();
        chain.submit(&spend(outpoint, value)).unwrap();
        chain.mine(None);
        let state = chain.state();
        for pair in state.blocks.windows(2) {
            let [parent, child] = pair else {
                unreachable!("windows of two")
            };
            assert_eq!(child.header.prev_blockhash, parent.block_hash());
            assert!(child.check_merkle_root());
            assert!(child.check_witness_commitment());
            child.header.validate_pow(child.header.target()).unwrap();
        }
    }

    #[test]
    fn a_coin_is_spent_once() {
        let (chain, outpoint, value) = chain_with_a_mature_coin();
        let first = spend(outpoint, value);
        let second = spend(outpoint, value - Amount::from_sat(1));
        chain.submit(&first).unwrap();
        assert_eq!(
            chain.submit(&first),
            Ok(()),
            "a known transaction is taken again"
        );
        assert_eq!(
            chain.submit(&second),
            Err(TransactionError::SpentInput(outpoint))
        );
        chain.mine(None);
        assert_eq!(
            chain.submit(&second),
            Err(TransactionError::SpentInput(outpoint))
        );
    }

    #[test]
    fn outputs_cannot_exceed_inputs() {
        let (chain, outpoint, value) = chain_with_a_mature_coin();
        let greedy = spend(outpoint, value + Amount::from_sat(1));
        assert!(matches!(
            chain.submit(&greedy),
            Err(TransactionError::Overspent { .. })
        ));
    }

    #[test]
    fn unknown_and_immature_inputs_are_refused() {
        let chain = Chain::new();
        let nowhere = OutPoint {
            txid: Txid::all_zeros(),
            vout: 7,
        };
        assert_eq!(
            chain.submit(&spend(nowhere, Amount::ONE_SAT)),
            Err(TransactionError::UnknownInput(nowhere))
        );
        chain.mine(Some(anyone_can_spend()));
        let coinbase = chain.state().tip().txdata[0].compute_txid();
        let young = OutPoint {
            txid: coinbase,
            vout: 0,
        };
        assert_eq!(
            chain.submit(&spend(young, Amount::ONE_SAT)),
            Err(TransactionError::ImmatureInput(young))
        );
    }

    #[test]
    fn a_locked_transaction_waits() {
        let (chain, outpoint, value) = chain_with_a_mature_coin();
        let mut tx = spend(outpoint, value);
        tx.input[0].sequence = Sequence::ZERO;
        tx.lock_time = LockTime::from_height(chain.tip().height + 1).unwrap();
        assert_eq!(
            chain.submit(&tx),
            Err(TransactionError::Locked(tx.lock_time))
        );
        chain.mine(None);
        assert_eq!(chain.submit(&tx), Ok(()));
    }
}
