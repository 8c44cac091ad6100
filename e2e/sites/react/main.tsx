import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import type { PurrWallWallet, Receipt } from 'purrwall-widget';
import { TwoCats } from './TwoCats';

function Page() {
  const [receipt, setReceipt] = useState<Receipt | null>(null);
  return (
    <>
      <TwoCats onPaid={setReceipt} />
      {receipt && <p>Paid for {receipt.item}</p>}
    </>
  );
}

/** Never called: what a site may give its buyers to pay with. */
export function WithWallet({ wallet }: { wallet: PurrWallWallet }) {
  return <purr-wall item="two-cats" wallet={wallet} onpurrwallwallet={({ detail }) => detail.provide(wallet)} />;
}

/** Never called: tsc alone has to find what is wrong. */
export function Wrong() {
  // @ts-expect-error there is no such theme's type
  return <purr-wall item="two-cats" theme={1} />;
}

createRoot(document.querySelector('#root')!).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
