export { PurrwallError } from './error.js';
export { decodeInvoice } from './bolt11.js';
export { verifyReceipt } from './receipt.js';
export { verifyWebhook } from './webhook.js';
export { Store } from './store.js';
