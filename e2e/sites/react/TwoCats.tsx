import 'purrwall-widget';
import type { Receipt } from 'purrwall-widget';

export function TwoCats({ onPaid }: { onPaid: (receipt: Receipt | null) => void }) {
  return (
    <purr-wall
      item="two-cats"
      gateway="https://store.example"
      maxSat={100}
      onpurrwallpaid={(event) => onPaid(event.detail.receipt)}
    />
  );
}
