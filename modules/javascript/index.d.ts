/** What does not hold. Its message never repeats a secret, a preimage or a claim. */
export class PurrwallError extends Error {
  readonly name: 'PurrwallError';
  /**
   * What does not hold, for programs: `malformed-invoice`, `signature`, `unknown-feature`,
   * `unknown-network`, `malformed-receipt`, `payee`, `preimage`, `metadata`, `commitment`, `content`, `secret`,
   * `malformed-webhook`, `webhook-signature`, `webhook-time`, `store`, or a code of the store's problem
   * documents such as `invalid-key`.
   */
  readonly code: string;
}

export type Network = 'bitcoin' | 'testnet' | 'signet' | 'regtest';

/** What a BOLT11 string says, its signature verified. */
export interface Invoice {
  bolt11: string;
  network: Network;
  /** `null` lets the payer choose. */
  amountMsat: number | null;
  /** The public key of the node that signed it and receives the payment, in hex. */
  payee: string;
  /** Names the payment, in hex. */
  paymentHash: string;
  /** `null` where the invoice carries only its hash. */
  description: string | null;
  /** In hex; `null` where the invoice carries the description itself. */
  descriptionHash: string | null;
  /** UNIX seconds. */
  createdAt: number;
  /** The second from which it can no longer be paid, in UNIX seconds. */
  expiresAt: number;
}

/**
 * Decodes a BOLT11 string and verifies its signature.
 *
 * @throws {PurrwallError}
 */
export function decodeInvoice(bolt11: string): Invoice;

/** A receipt as the store's page and `purrwall buy` save it. */
export interface Receipt {
  bolt11: string;
  /** In hex. */
  preimage: string;
  item: string;
  /** In hex. */
  sha256: string;
  /** In bytes. */
  size: number;
  /** Where it was bought by a code on paper: what the invoice carries by its hash. */
  metadata?: string | null;
}

/** What a receipt that holds proves. */
export interface Proof {
  /** The node that promised and was paid, in hex. */
  payee: string;
  network: Network;
  amountMsat: number | null;
  /** Names the payment: remember it, so that a receipt is used once. In hex. */
  paymentHash: string;
  description: string | null;
  /** When the invoice was made, in UNIX seconds. */
  createdAt: number;
  /** The content that was promised, in hex. */
  sha256: string;
  /** As the receipt states it; the node signed the content's hash, not the item's name. */
  item: string;
  /** In bytes, as the receipt states it. */
  size: number;
}

/**
 * Checks a receipt without asking anyone: the signature of the store's node, the payment, the promise, and
 * the content where it is given.
 *
 * @param receipt the object, or its JSON
 * @throws {PurrwallError} names what does not hold
 */
export function verifyReceipt(
  receipt: Receipt | string,
  options: {
    /** The public key of the store's node, in hex. */
    payee: string;
    /** The goods, to be held against the promise. */
    content?: Uint8Array;
  },
): Proof;

/** The store's events: docs/webhooks.md says what each holds. */
export type Event =
  | {
      id: string;
      type: 'invoice.paid';
      timestamp: string;
      data: {
        payment_hash: string;
        item: string;
        amount_msat: number;
        amount_received_msat: number;
        paid_at: number;
      };
    }
  | {
      id: string;
      type: 'purchase.refused';
      timestamp: string;
      data: { payment_hash: string; item: string; reason: string; refused_at: number };
    }
  | { id: string; type: 'test'; timestamp: string; data: unknown };

/**
 * Verifies a webhook of the store's, and gives its event with its `id`, by which you know one that comes
 * again.
 *
 * @param secrets `whsec_…`, as `purrwall webhook secret` prints it; several while one replaces another
 * @param body the bytes that came, or their text; not parsed and written again
 * @throws {PurrwallError} names what does not hold
 */
export function verifyWebhook(
  secrets: string | readonly string[],
  headers: { get(name: string): string | null } | Record<string, string | string[] | undefined>,
  body: string | Uint8Array,
  options?: {
    /** How far from now the webhook's time may be; 300 by default. */
    toleranceSecs?: number;
    /** Now, in milliseconds. */
    now?: number;
  },
): Event;

/** What the store says of a receipt or a claim. */
export type Verdict =
  | {
      good: true;
      /** The item's id, or `route:<name>`. */
      item: string;
      payment_hash: string;
      /** Absent where the store's node no longer has the invoice. */
      amount_msat?: number;
      /** In UNIX seconds. Absent where the store's node no longer has the invoice. */
      paid_at?: number;
      /** The last second in which it is accepted, in UNIX seconds; absent where it is good for ever. */
      valid_until?: number;
    }
  | {
      good: false;
      /** For programs. */
      reason: string;
      /** For people. */
      detail: string;
    };

/** A store that has a key for you: its owner sets `verify_key_file`. */
export class Store {
  /**
   * @param url the store's address, such as `https://cats.example`
   * @param key what is in the file that `verify_key_file` names
   */
  constructor(url: string | URL, key: string, options?: { fetch?: typeof globalThis.fetch });

  /**
   * Asks the store whether a claim (`<claim>`, `<claim>:<preimage>` or the whole `L402 …`) or a receipt is
   * good.
   *
   * @throws {PurrwallError} where the store does not answer that
   */
  verify(
    question: { claim: string } | { receipt: Receipt | string },
    options?: { signal?: AbortSignal },
  ): Promise<Verdict>;
}
