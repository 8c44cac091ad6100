/** What does not hold. Its message never repeats a secret, a preimage or a claim. */
export class PurrwallError extends Error {
  name = 'PurrwallError';

  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
}
