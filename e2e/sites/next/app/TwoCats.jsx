'use client';

import { useEffect, useRef, useState } from 'react';
import 'purrwall-widget';

export function TwoCats() {
  const wall = useRef(null);
  const [receipt, setReceipt] = useState(null);
  // React attaches no listener to an element that came from the server.
  useEffect(() => {
    const onPaid = ({ detail }) => setReceipt(detail.receipt);
    const element = wall.current;
    element.addEventListener('purrwallpaid', onPaid);
    return () => element.removeEventListener('purrwallpaid', onPaid);
  }, []);
  return (
    <>
      <purr-wall ref={wall} item="two-cats" gateway="https://store.example" />
      {receipt && <p>Paid for {receipt.item}</p>}
    </>
  );
}
