import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { TwoCats } from './TwoCats.jsx';

function Page() {
  const [receipt, setReceipt] = useState(null);
  return (
    <>
      <TwoCats onPaid={setReceipt} />
      {receipt && <p>Paid for {receipt.item}</p>}
    </>
  );
}

createRoot(document.querySelector('#root')).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
