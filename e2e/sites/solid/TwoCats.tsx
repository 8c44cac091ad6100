import type { PurrWallWallet } from 'purrwall-widget';
import 'purrwall-widget';
import type { Receipt } from 'purrwall-widget';

export function TwoCats(props: { onPaid: (receipt: Receipt | null) => void }) {
  return (
    <purr-wall
      item="two-cats"
      gateway="https://store.example"
      max-sat={100}
      on:purrwallpaid={(event) => props.onPaid(event.detail.receipt)}
    />
  );
}

/** Never called: what a site may give its buyers to pay with. */
export function WithWallet(props: { wallet: PurrWallWallet }) {
  return <purr-wall item="two-cats" on:purrwallwallet={({ detail }) => detail.provide(props.wallet)} />;
}
