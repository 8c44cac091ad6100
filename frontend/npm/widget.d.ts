/** What was promised, and that it was paid: anyone can check it without asking anyone. */
export interface Receipt {
  /** The invoice, signed by the store's node. */
  bolt11: string;
  /** The proof of payment: 64 hex digits, whose SHA-256 is the invoice's payment hash. */
  preimage: string;
  /** The item's id at the store. */
  item: string;
  /** The SHA-256 of the goods: 64 hex digits. */
  sha256: string;
  /** The size of the goods in bytes. */
  size: number;
}

/** An invoice that passed every check and waits for its payment. */
export interface InvoiceDetail {
  bolt11: string;
  payment_hash: string;
  /** In thousandths of a satoshi. */
  amount_msat: number;
  /** In UNIX seconds, by the server's clock. */
  expires_at: number;
}

export interface PaidDetail {
  /** `null` where the payment is certain, but the store could not give its proof. */
  receipt: Receipt | null;
}

/** The goods. `preventDefault()` on the event keeps the widget from showing them. */
export interface ContentDetail {
  /** The media type. */
  contentType: string;
  blob: Blob;
  /** The goods as text, where they are text. */
  text?: string;
  sha256: string;
}

export interface ErrorDetail {
  /** For programs: see the list of codes in the documentation. */
  code: string;
  /** For people. */
  message: string;
}

/** A wallet of WebLN's form: the browser's `window.webln`, what bitcoin-connect gives, or one of your own. */
export interface PurrWallWallet {
  enable(): Promise<unknown>;
  /** Pays, and proves it by the preimage: 64 hex digits. */
  sendPayment(bolt11: string): Promise<{ preimage: string }>;
}

/** A wallet, or a function that connects one when the buyer presses "Connect a wallet". */
export type WalletSource = PurrWallWallet | (() => PurrWallWallet | Promise<PurrWallWallet>);

export interface WalletDetail {
  /** To be called before the listener returns. */
  provide(wallet: WalletSource): void;
}

export type PurrWallState =
  /** The element was not near the viewport yet. */
  | 'unloaded'
  /** The store's list or the WebAssembly is on its way. */
  | 'loading'
  /** The WebAssembly cannot be had: the element shows its own content. */
  | 'unavailable'
  /** An attribute is missing or cannot be understood, or the store does not sell the item. */
  | 'invalid'
  | 'idle'
  | 'requesting'
  | 'awaiting-payment'
  | 'expired'
  | 'refused'
  | 'failed'
  | 'paid'
  | 'undelivered'
  | 'delivered';

/** Each event has two names; the second is for templates that can bind neither a hyphen nor a colon. */
export interface PurrWallEventMap {
  'purr-wall:invoice': CustomEvent<InvoiceDetail>;
  'purr-wall:paid': CustomEvent<PaidDetail>;
  'purr-wall:content': CustomEvent<ContentDetail>;
  'purr-wall:error': CustomEvent<ErrorDetail>;
  'purr-wall:wallet': CustomEvent<WalletDetail>;
  purrwallinvoice: CustomEvent<InvoiceDetail>;
  purrwallpaid: CustomEvent<PaidDetail>;
  purrwallcontent: CustomEvent<ContentDetail>;
  purrwallerror: CustomEvent<ErrorDetail>;
  purrwallwallet: CustomEvent<WalletDetail>;
}

export type Theme = 'auto' | 'light' | 'dark' | (string & {});
export type Mode = 'inline' | 'dialog' | (string & {});
export type Load = 'lazy' | 'eager' | (string & {});

/** `<purr-wall>`. The properties reflect the attributes; `null` stands for one that is not set. */
export interface PurrWallElement extends HTMLElement {
  /** The item's id at the store. */
  item: string | null;
  /** The gateway's address; by default where the script came from. */
  gateway: string | null;
  /** The key of the node that must have signed the invoice: 66 hex digits; several, with spaces between them. */
  payee: string | null;
  /** The highest price that the page allows, in satoshi. */
  get maxSat(): string | null;
  set maxSat(value: string | number | null);
  theme: Theme | null;
  mode: Mode | null;
  /** When the WebAssembly comes: once a visitor shows an interest, or with the offer. */
  load: Load | null;
  /** What the site's buyers may pay with; without one, `purr-wall:wallet` asks for it. */
  wallet: WalletSource | null | undefined;
  readonly state: PurrWallState;
  /** Starts the purchase, or goes on with one that was begun. */
  buy(): void;
  /** Starts over. What is paid, or may be, stays in storage. */
  reset(): void;

  addEventListener<K extends keyof PurrWallEventMap>(
    type: K,
    listener: (this: PurrWallElement, event: PurrWallEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<K extends keyof PurrWallEventMap>(
    type: K,
    listener: (this: PurrWallElement, event: PurrWallEventMap[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | EventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    'purr-wall': PurrWallElement;
  }
  interface GlobalEventHandlersEventMap extends PurrWallEventMap {}
}

/** The attributes in a template, and the properties that frameworks set. */
export interface PurrWallAttributes {
  item?: string;
  gateway?: string;
  payee?: string;
  'max-sat'?: string | number;
  maxSat?: string | number;
  theme?: Theme;
  mode?: Mode;
  load?: Load;
  wallet?: WalletSource | null;
  lang?: string;
}

/** The listeners in a template: `onpurrwallpaid`, `onpurr-wall:paid`. */
export type PurrWallListeners = {
  [K in keyof PurrWallEventMap as `on${K}`]?: (event: PurrWallEventMap[K]) => void;
};

/** Vue's: `onPurrwallpaid`, `onPurr-wall:paid`. */
export type PurrWallVueListeners = {
  [K in keyof PurrWallEventMap as `on${Capitalize<K>}`]?: (event: PurrWallEventMap[K]) => void;
};

/** Solid's: `on:purrwallpaid`. */
export type PurrWallSolidListeners = {
  [K in keyof PurrWallEventMap as `on:${K}`]?: (event: PurrWallEventMap[K]) => void;
};

// What each framework knows of elements. Those that are not installed cannot be told, which is no error.

// @ts-ignore
declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'purr-wall': PurrWallAttributes &
        PurrWallListeners &
        // @ts-ignore
        Omit<DetailedHTMLProps<HTMLAttributes<PurrWallElement>, PurrWallElement>, 'lang'>;
    }
  }
}

// @ts-ignore
declare module 'vue' {
  interface GlobalComponents {
    'purr-wall': new () => { $props: PurrWallAttributes & PurrWallVueListeners };
  }
}

// @ts-ignore
declare module 'svelte/elements' {
  interface SvelteHTMLElements {
    'purr-wall': PurrWallAttributes &
      PurrWallListeners &
      // @ts-ignore
      Omit<HTMLAttributes<PurrWallElement>, 'lang'>;
  }
}

// @ts-ignore
declare module 'solid-js/jsx-runtime' {
  namespace JSX {
    interface IntrinsicElements {
      'purr-wall': PurrWallAttributes &
        PurrWallSolidListeners &
        // @ts-ignore
        Omit<HTMLAttributes<PurrWallElement>, 'lang'>;
    }
  }
}
