import 'purrwall-widget';

export function TwoCats({ onPaid }) {
  return (
    <purr-wall
      item="two-cats"
      gateway="https://store.example"
      maxSat={100}
      onpurr-wall:paid={(event) => onPaid(event.detail.receipt)}
    />
  );
}
